// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipeline_tool.h"

#include <common/siblings.h>

#include <sstream>
#include <utility>

namespace headgate::preflight {
namespace {

constexpr int64_t kPatienceMs = 120'000;  // GStreamer's registry is made anew on a machine that has none
constexpr size_t kMaxFaultLines = 8;

}  // namespace

Result<Program> pipeline_tool(const Context& context, std::vector<std::string> words,
                              std::vector<std::string> secret) {
  auto path = tools::find_program("headgate-pipeline");
  if (!path) return Unexpected(path.error());
  words.insert(words.begin(), *path);
  return run_program({.words = std::move(words), .secret = std::move(secret), .account = context.account},
                     kPatienceMs);
}

void tell_faults(const Program& program, const std::string& front, const char* to_do, Outcome& out) {
  std::istringstream lines(program.errors());
  size_t count = 0;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && ++count <= kMaxFaultLines) out.fail(front + line, to_do);
  if (count == 0) out.fail(front + "headgate-pipeline ended with " + std::to_string(program.code()), to_do);
}

}  // namespace headgate::preflight
