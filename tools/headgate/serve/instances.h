// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines that the node runs by itself: a file NAME.conf each, in a folder that is looked at each second.
// Each is a process of its own (headgate-pipeline) in the place "pipeline-NAME" of Children; one that fails
// is started again as its description's "restart" says. A file that comes, changes or goes starts, replaces
// or ends its pipeline; one that is wrong changes nothing for what runs. In the loop's thread.
//
//   [pipeline]
//   description=videobox
//   [parameters]
//   station=7
#pragma once

#include <pipeline/backoff.h>
#include <pipeline/description.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <base/loop.h>
#include <wire/messages.h>

#include "children.h"
#include "node_events.h"

namespace headgate::serve {

inline constexpr size_t kMaxInstances = 64;
inline constexpr size_t kMaxInstanceName = 32;  // [a-z0-9-]
inline constexpr size_t kMaxInstanceFileBytes = 64 * 1024;
inline constexpr int64_t kInstancesLookMs = 1000;

class Instances {
 public:
  struct Node {
    std::string folder;  // empty: the node runs none
    std::string data, name, runtime_dir;
    uint32_t event = 0;
    std::string descriptions;  // folder
  };
  // `changed`: what json() says is another.
  Instances(Loop& loop, Children& children, NodeEvents& events, Node node, std::function<void()> changed);
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  void start();  // what was running is known, and children may be started
  void stop();
  // Now. `anew`: also what is over or refused is tried again, as an operator who says "reload" expects.
  void look(bool anew = false);
  void keep();                                  // what should run does
  void try_again(const std::string& instance);  // also when it is over

  // Child::Events. Those that are no instance's are passed over.
  std::optional<int64_t> pause(const Child& child, int code, int64_t lived_ms);
  void told(const Child& child, const wire::Message& message);

  std::vector<std::string> arguments(const std::string& instance) const;  // of headgate-pipeline
  // Of headgate-pipeline, by instance: whether each of the files could be run with the descriptions in that
  // folder. An error is a file's that is wrong, or the folder's.
  Result<std::map<std::string, std::vector<std::string>>> checks(const std::string& descriptions);
  std::string json() const;  // NODE's `instances`

 private:
  struct Wanted {
    std::string description;
    pipeline::Values values;
    pipeline::Trigger trigger = pipeline::Trigger::always;
    pipeline::Restart restart;
    std::string id;  // of all this
  };
  struct One {
    std::string file;                          // as it was looked at: size, time
    std::optional<Wanted> wanted;              // the last that was right; none: never
    std::string problem;                       // of the file as it is; empty: none
    std::optional<pipeline::Backoff> backoff;  // of `wanted`
    std::string over;                          // ended, given-up; empty: it is to run
    std::string line;                          // what it says of itself
  };
  using Files = std::map<std::string, std::string>;  // by instance: size and time
  Files files();
  Result<Wanted> read(const std::string& instance, const std::string& descriptions) const;
  void take(const std::string& instance, One& one);
  Child* child_of(const std::string& instance) const;

  Loop& loop_;
  Children& children_;
  NodeEvents& events_;
  const Node node_;
  const std::function<void()> changed_;
  std::map<std::string, One> all_;
  std::string folder_problem_;
  Loop::TimerId timer_ = 0;
};

// Of a process that runs an instance: its name; empty: it is another process.
std::string instance_of(const Child& child);

}  // namespace headgate::serve
