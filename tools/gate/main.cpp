// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-gate: owns the public ingest ports and lets in who has a ticket.
#include <common/listeners.h>
#include <common/log.h>
#include <common/options.h>
#include <sys/resource.h>

#include <csignal>

#include "gate.h"

namespace headgate::gate {
namespace {

constexpr std::string_view kRtmp = "rtmp";

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

// A connection is a descriptor, and the soft limit is made for programs that use select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  Settings settings;
  std::string keys;
  std::vector<std::string> addresses;
  tools::Options options("", "Lets publishers in whose ticket is right and gives them to the workers.",
                         "Started by `headgate serve`, with its sockets as sd_listen_fds(3) describes, named "
                         "\"rtmp\". SIGTERM ends it; sessions that were handed over go on.");
  options.text("runtime-dir", settings.runtime_dir, "DIR", "folder of the node's sockets")
      .text("keys", keys, "DIR", "folder written by `headgate ticket keygen`")
      .list("listen", addresses, "HOST:PORT", "listen here too; may be repeated");
  auto rest = options.parse(argc, argv);
  if (!rest) return fail(rest.error().message, 2);
  if (!rest->empty()) return fail("unexpected argument '" + rest->front() + "'", 2);
  if (settings.runtime_dir.empty() || keys.empty()) return fail("--runtime-dir and --keys are needed", 2);

  auto node_keys = ticket::load_node_keys(keys);
  if (!node_keys) return fail(node_keys.error().message, 1);
  raise_descriptor_limit();
  Loop loop;
  SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) { loop.stop(); });
  ticket::Verifier verifier(*std::move(node_keys));
  Gate gate(loop, system_clock(), verifier, std::move(settings));
  if (auto started = gate.start(); !started) return fail(started.error().message, 1);

  size_t listening = 0;
  for (auto& [name, fd] : tools::take_inherited_listeners()) {
    if (name != kRtmp) {
      tools::log_warning("inherited a socket that has no use here", {{"NAME", name}});
      continue;
    }
    gate.listen(name, std::move(fd));
    ++listening;
  }
  for (const std::string& address : addresses) {
    auto fd = tools::listen_tcp(address);
    if (!fd) return fail(fd.error().message, 1);
    auto bound = tools::bound_address(fd->get());
    tools::log_info("listening", {{"ADDRESS", bound ? *bound : address}});
    gate.listen(std::string(kRtmp), *std::move(fd));
    ++listening;
  }
  if (listening == 0) return fail("nothing to listen on: no inherited socket named rtmp and no --listen", 2);
  loop.run();
  return 0;
}

}  // namespace
}  // namespace headgate::gate

int main(int argc, char** argv) {
  headgate::tools::start_log("headgate-gate");
  return headgate::gate::run(argc, argv);
}
