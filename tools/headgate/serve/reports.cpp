// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reports.h"

#include <unistd.h>

#include <string_view>

namespace headgate::serve {
namespace {

constexpr char kOwnName[] = "supervisor-process";  // "supervisor" is what it says of the node

// `object` with one more member, in front.
std::string with_usage(std::string_view object, const Usage& usage) {
  std::string out = "{\"usage\":" + usage_json(usage);
  if (object.size() < 2 || object.front() != '{' || object == "{}") return out + "}";
  return out + "," + std::string(object.substr(1));
}

}  // namespace

wire::Status Reports::of(const std::string& name, const wire::Status& told, int64_t now_ms) {
  const int pid = static_cast<int>(told.pid);
  auto meter = meters_.try_emplace(name, pid, looks_).first;
  if (meter->second.pid() != pid) meter->second = UsageMeter(pid, looks_);
  const auto usage = meter->second.read(now_ms);
  return {name, told.pid, usage ? with_usage(told.json, *usage) : told.json};
}

wire::Status Reports::own(int64_t now_ms) {
  return of(kOwnName, {"supervisor", static_cast<uint32_t>(::getpid()), "{}"}, now_ms);
}

}  // namespace headgate::serve
