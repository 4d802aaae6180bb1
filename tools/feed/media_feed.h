// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections to all processes of a node that have media: found through the runtime folder, kept up, heard.
// A process that has died is told as closed; one that only cut the connection, as it does when its peer is
// too slow, is connected to again. In the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <base/loop.h>
#include <common/socket_watch.h>
#include <wire/channel.h>

namespace headgate::tools {

inline constexpr int64_t kFeedAgainMs = 200;  // after a process closed the connection and lives

// Sockets of workers, "worker-3.sock", and of the node's own pipelines: "pipeline-NAME.sock", and
// "pipeline-NAME.N.sock" of the Nth connection of one that listens. NAME has no dot.
inline constexpr char kWorkerFront[] = "worker-";
inline constexpr char kPipelineFront[] = "pipeline-";
// WorkerState::worker of a pipeline's process: this and the process's id. It takes no sessions.
inline constexpr uint32_t kFirstPipelineNumber = 1u << 24;
inline bool is_pipeline(uint32_t worker) {
  return worker >= kFirstPipelineNumber;
}
// What SessionOpened::protocol says of what such a pipeline archives.
inline constexpr char kPipelineProtocol[] = "pipeline";
// "pipeline-NAME.sock", "pipeline-NAME.N.sock": NAME; empty: another socket's name.
std::string pipeline_of(const std::string& socket);

class MediaFeed {
 public:
  // `name`: of the process's socket, "worker-3.sock".
  struct Events {
    std::function<void(const std::string& name)> opened;  // Hello was sent; may be empty
    std::function<void(const std::string& name, const wire::Message&)> message;
    std::function<void(const std::string& name)> closed;
    // Before `closed`: it lives, but speaks another protocol, and nothing is heard of what it has; and that
    // it has ended, or the kernel does not tell when. Both may be empty.
    std::function<void(const std::string& name)> incompatible{};
    std::function<void(const std::string& name)> incompatible_ended{};
  };
  // `role`: what Hello says, which decides what is told.
  MediaFeed(Loop& loop, std::string runtime_dir, std::string role, Events events);
  ~MediaFeed();
  MediaFeed(const MediaFeed&) = delete;
  MediaFeed& operator=(const MediaFeed&) = delete;

  Result<void> start();
  bool send(const std::string& name, const wire::Message& message);  // false: it is not connected

 private:
  void connect(const std::string& name);
  void close(const std::string& name);
  void note_incompatible(const std::string& name, int pid);
  void forget_incompatible(const std::string& name);

  Loop& loop_;
  const std::string runtime_dir_, role_;
  const Events events_;
  std::unique_ptr<SocketWatch> watch_;
  std::map<std::string, std::unique_ptr<wire::Channel>> channels_;
  std::map<std::string, Loop::TimerId> again_;
  std::map<std::string, UniqueFd> incompatible_;  // pidfds
};

}  // namespace headgate::tools
