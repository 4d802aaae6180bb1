// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may ask and tell the node what: headgate-control looks at its settings as it does before a node starts.
#include <common/siblings.h>

#include "checks.h"
#include "program.h"

namespace headgate::preflight {
namespace {

constexpr int64_t kPatienceMs = 10'000;

}  // namespace

// The webhooks and their secret are `alerts`' to try.
Outcome check_control(Context& context) {
  const serve::Config& config = context.config;
  auto program = tools::find_program("headgate-control");
  if (!program) return Outcome().fail(program.error().message, "is the package whole? (dpkg -V headgate)");
  CommandLine line{.words = {*program, "--check", "--runtime-dir", config.runtime_dir, "--root", config.data},
                   .account = context.account};
  if (!config.control_tokens.empty())
    line.words.insert(line.words.end(), {"--tokens", config.control_tokens});
  Outcome out;
  out.measured = config.control.empty() ? "operators ask over admin.sock alone"
                                        : config.control + ", tokens of " + config.control_tokens;
  auto checked = run_program(line, kPatienceMs);
  if (!checked) return out.fail(checked.error().message, "is the package whole? (dpkg -V headgate)");
  if (checked->code() != 0)
    out.fail("no node starts with this: " + checked->last_error(),
             "correct the file of --control-tokens (docs/api.md, \"Control\"); the service has to read it");
  return out;
}

}  // namespace headgate::preflight
