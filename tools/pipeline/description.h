// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline description (docs/pipelines.md): parameters with types, elements as gst-launch lines with
// ${parameter} in them, when the pipeline runs, and what happens after an error. Immutable. What is wrong
// with a file is told as "FILE:LINE:COLUMN: /json/pointer: reason", a line each, at most kMaxFaults of them.
// pipelines/schema/pipeline.schema.json says the same for other programs; a test holds the two together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <base/result.h>
#include <pipeline/health_keys.h>
#include <pipeline/parameter.h>
#include <pipeline/schedule.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxDescriptionBytes = 64 * 1024;
inline constexpr size_t kMaxParameters = 64;
inline constexpr size_t kMaxLines = 256;  // of elements, with those of fragments
inline constexpr size_t kMaxFaults = 16;

using Values = std::map<std::string, std::string>;

enum class Trigger {
  ticket,    // a session that the gate has admitted; many at a time
  always,    // as long as it is run, by `headgate pipeline run`; `headgate serve` does not start it
  listen,    // likewise; a run for each connection to its port, whose descriptor is ${connection}
  schedule,  // likewise, at the times that it has
};
const char* trigger_name(Trigger trigger);

struct RestartPolicy {
  int64_t errors_per_minute = 10;  // trigger ticket: sessions of one station; the next is refused
  // Other triggers: from a failed run to the next, doubled with each in a row; one that lasted `steady` ends
  // the row. max_pause_ms is not below pause_ms.
  int64_t pause_ms = 1000, max_pause_ms = 30'000, steady_ms = 30'000;
  int64_t alarm_after = 3;    // failed runs in a row: told in a line with "alarm:", once a row
  int64_t give_up_after = 0;  // not started again; 0: never
  // All but ticket: a run in which no media has flowed for so long has failed (silence.h); 0: it has not.
  int64_t silence_ms = 30'000;
  bool again = false;  // always, schedule: a run that ended by itself has failed
};

// What one stream may cost; the node replaces a worker that is far beyond that (docs/node.md).
struct Resources {
  std::optional<int64_t> memory_mib;  // 0: no limit
  std::optional<int64_t> cpu;         // thousandths of a processor; 0: no limit
};

// A line of elements and where it stands.
struct Line {
  std::string text, file, pointer;
  int line = 0, column = 0;
  std::string place() const {
    return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + pointer;
  }
};

// Of the trigger listen.
inline constexpr char kConnection[] = "connection";  // the parameter that stands for the descriptor
inline constexpr int64_t kMaxConnections = 256;
struct Listen {
  Line tcp;          // HOST:PORT, in which parameters may stand
  int64_t most = 8;  // connections at a time; others wait in the kernel
};

// The text of the fragment of this name, and the file it is from.
struct FragmentText {
  std::string text, file;
};
using Fragments = std::function<Result<FragmentText>(const std::string& name)>;
// fragments/NAME.json beside `file`.
Fragments fragments_beside(const std::string& file);

class Description {
 public:
  static Result<Description> load(const std::string& file);
  static Result<Description> parse(const std::string& json, const std::string& file);
  static Result<Description> parse(const std::string& json, const std::string& file,
                                   const Fragments& fragments);

  const std::string& file() const { return file_; }
  const std::string& name() const { return name_; }
  const std::string& about() const { return about_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const Parameter* parameter(const std::string& name) const;
  bool has_parameter(const std::string& name) const { return parameter(name) != nullptr; }
  const std::vector<std::string>& fragments() const { return fragments_; }  // that it uses, in order
  Trigger trigger() const { return trigger_; }
  const Schedule& schedule() const { return schedule_; }  // of the trigger schedule
  const Listen& listen() const { return listen_; }        // of the trigger listen
  // listen().tcp with every parameter filled in.
  Result<std::string> listen_address(const Values& values) const;
  const RestartPolicy& restart() const { return restart_; }
  int64_t errors_per_minute() const { return restart_.errors_per_minute; }
  const Health& health() const { return health_; }
  // How long a stream waits for its publisher's return; below 0: as the node's origin does.
  int64_t grace_ms() const { return grace_ms_; }
  // Sessions that one worker runs; 0: as many as the node says.
  int64_t streams_per_worker() const { return streams_per_worker_; }
  const Resources& resources() const { return resources_; }

  // The elements with every parameter filled in from `values` or its default. Refuses a value that its
  // parameter does not take, a parameter without either (or leaves its ${name}), and a value that no
  // parameter takes.
  enum class Missing { refused, kept };
  Result<std::vector<Line>> lines(const Values& values, Missing missing = Missing::refused) const;
  Result<std::string> launch_line(const Values& values) const;  // joined by line ends

 private:
  friend class DescriptionReader;
  Result<std::string> filled(const Line& line, const Values& values) const;
  // `values` that parameters take, and defaults for the others.
  Result<Values> complete(const Values& values, Missing missing) const;

  std::string file_, name_, about_;
  std::vector<Parameter> parameters_;
  std::vector<Line> lines_;
  std::vector<std::string> fragments_;
  Trigger trigger_ = Trigger::ticket;
  Schedule schedule_;
  Listen listen_;
  RestartPolicy restart_;
  Health health_;
  int64_t grace_ms_ = -1;
  int64_t streams_per_worker_ = 0;
  Resources resources_;
};

// One ${name} or ${name:unit} of a line.
struct Reference {
  size_t begin = 0, end = 0;  // of all of it
  std::string name, unit;
  Place place = Place::among;
};
// In their order. The error is about a ${ without its end.
Result<std::vector<Reference>> references(const std::string& text);

}  // namespace headgate::pipeline
