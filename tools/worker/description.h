// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline description (pipelines/README.md): parameters with types and defaults, elements as a gst-launch
// line with {parameter} in it, and what happens after an error. Loaded once at start; immutable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::worker {

inline constexpr size_t kMaxDescriptionBytes = 64 * 1024;
inline constexpr size_t kMaxParameters = 64;

using Values = std::map<std::string, std::string>;

class Description {
 public:
  // Errors name the file, the line or the key, and the reason.
  static Result<Description> load(const std::string& file);
  static Result<Description> parse(const std::string& json, const std::string& file);

  const std::string& name() const { return name_; }
  // Sessions of one station that may end with an error within a minute; the next is refused.
  int64_t errors_per_minute() const { return errors_per_minute_; }
  // How long a stream waits for its publisher's return; below 0: as the node's origin does.
  int64_t grace_ms() const { return grace_ms_; }

  // The elements with every parameter filled in from `values` or its default. Refuses a value of the wrong
  // type or out of range, a parameter without either, and a value that no parameter takes.
  Result<std::string> launch_line(const Values& values) const;
  bool has_parameter(const std::string& parameter) const { return parameters_.count(parameter) != 0; }

 private:
  friend class DescriptionReader;
  enum class Type { string, integer, number, boolean };
  struct Parameter {
    Type type = Type::string;
    bool has_default = false;
    std::string default_value;
    bool has_least = false, has_most = false;
    double least = 0, most = 0;
  };
  static Result<std::string> checked(const Parameter& parameter, const std::string& value);

  std::string file_, name_, elements_;
  std::map<std::string, Parameter> parameters_;
  int64_t errors_per_minute_ = 10;
  int64_t grace_ms_ = -1;
};

}  // namespace headgate::worker
