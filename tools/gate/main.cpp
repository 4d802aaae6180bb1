// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-gate: owns the public ingest ports and lets in who has a ticket.
#include <common/listeners.h>
#include <common/log.h>
#include <common/options.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <sstream>

#include "gate.h"

namespace headgate::gate {
namespace {

constexpr std::string_view kRtmp = "rtmp", kRtmps = "rtmps", kSrt = "srt";

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream rest(text);
  for (std::string one; std::getline(rest, one, ',');) out.push_back(one);
  return out;
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
  std::string endpoints;
  std::vector<std::string> addresses, rtmps_addresses, srt_addresses;
  int64_t latency_ms = settings.srt.latency_ms;
  bool check = false, draining = false;
  tools::Options options(
      "", "Lets publishers in whose ticket is right and gives them to the workers.",
      "Started by `headgate serve`, with its sockets as sd_listen_fds(3) describes, named "
      "\"rtmp\", \"rtmps\" and \"srt\". SIGHUP reads keys, certificate and lists "
      "again, as does a change of theirs. SIGTERM ends it; RTMP sessions that were handed over go on. "
      "SIGUSR1: another gate has the sockets; ends when nobody is connected.");
  options.text("runtime-dir", settings.runtime_dir, "DIR", "folder of the node's sockets")
      .text("keys", settings.keys, "DIR", "folder written by `headgate ticket keygen`")
      .list("listen", addresses, "HOST:PORT", "listen for RTMP here too; may be repeated")
      .list("listen-rtmps", rtmps_addresses, "HOST:PORT", "listen for RTMPS here too; may be repeated")
      .list("listen-srt", srt_addresses, "HOST:PORT", "listen for SRT here too; may be repeated")
      .number("srt-latency", latency_ms, 20, 10'000, "MS", "time for SRT to send again what was lost (120)")
      .text("tls-cert", settings.front.tls_certificate, "FILE", "certificate chain of the RTMPS port, PEM")
      .text("tls-key", settings.front.tls_key, "FILE", "its key")
      .text("endpoints", endpoints, "HOST:PORT[,...]",
            "names of these ports in tickets, which apps' devices sign")
      .text("addresses", settings.front.addresses, "FILE", "who may connect (default everybody)")
      .text("revoked", settings.revoked, "FILE", "tickets that were withdrawn (default none)")
      .text("rtmp-proxies", settings.front.rtmp_proxies, "NETWORKS",
            "RTMP comes from these, with PROXY headers: 10.0.0.0/8,::1")
      .text("rtmps-proxies", settings.front.rtmps_proxies, "NETWORKS", "the same for RTMPS")
      .flag("draining", draining, "let nobody in until told otherwise")
      .flag("check", check, "read keys, certificate and lists, and end");
  auto rest = options.parse(argc, argv);
  if (!rest) return fail(rest.error().message, 2);
  if (!rest->empty()) return fail("unexpected argument '" + rest->front() + "'", 2);
  if (settings.runtime_dir.empty() || settings.keys.empty())
    return fail("--runtime-dir and --keys are needed", 2);

  settings.srt.latency_ms = static_cast<int>(latency_ms);
  auto inherited = tools::take_inherited_listeners();
  if (auto kept = inherited.extract(kKeysMemory); !kept.empty())
    settings.kept_keys = KeptKeys(std::move(kept.mapped()));
  auto node_keys = ticket::load_node_keys(settings.keys);
  if (!check) {
    // A node goes on with its event, as a gate does that runs.
    auto kept = settings.kept_keys.load();
    if (kept && (!node_keys || node_keys->event != kept->event)) {
      tools::log_error("the folder of keys is wrong, those that this node had before are used");
      settings.begins_with = *kept;
      node_keys = std::move(kept);
    }
  }
  if (!node_keys) return fail(node_keys.error().message, 1);
  ticket::Verifier verifier(*std::move(node_keys));
  if (auto set = verifier.set_endpoints(list_of(endpoints)); !set)
    return fail("--endpoints: " + set.error().message, 2);
  if (check) {
    auto right = Front(system_clock(), settings.front).check();
    if (right) right = RevokedFile(verifier, settings.revoked, "").check();
    if (!right) std::puts(right.error().message.c_str());  // for the supervisor, whose log has it too
    return right ? 0 : fail(right.error().message, 1);
  }
  raise_descriptor_limit();
  Loop loop;
  Gate* running = nullptr;
  // Before there are threads.
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [&](int signal) {
    if (!running)
      loop.stop();
    else if (signal == SIGHUP)
      running->reload();
    else if (signal == SIGUSR1)
      running->retire();
    else
      running->stop();
  });
  settings.supervised = !inherited.empty();
  Gate gate(loop, system_clock(), verifier, std::move(settings));
  running = &gate;
  if (draining) gate.drain(true);
  if (auto started = gate.start(); !started) return fail(started.error().message, 1);

  size_t listening = 0;
  for (auto& [name, fd] : inherited) {
    if (name != kRtmp && name != kRtmps && name != kSrt) {
      tools::log_warning("inherited a socket that has no use here", {{"NAME", name}});
      continue;
    }
    if (auto done = gate.listen(name, std::move(fd)); !done)
      return fail(name + ": " + done.error().message, 1);
    ++listening;
  }
  auto listen = [&](std::string_view name, const std::string& address) -> Result<void> {
    auto fd = name == kSrt ? tools::bind_udp(address) : tools::listen_tcp(address);
    if (!fd) return Unexpected(fd.error());
    auto bound = tools::bound_address(fd->get());
    tools::log_info("listening", {{"NAME", name}, {"ADDRESS", bound ? *bound : address}});
    ++listening;
    return gate.listen(std::string(name), *std::move(fd));
  };
  for (const std::string& address : addresses)
    if (auto done = listen(kRtmp, address); !done) return fail(done.error().message, 1);
  for (const std::string& address : rtmps_addresses)
    if (auto done = listen(kRtmps, address); !done) return fail(done.error().message, 1);
  for (const std::string& address : srt_addresses)
    if (auto done = listen(kSrt, address); !done) return fail(done.error().message, 1);
  if (listening == 0) return fail("nothing to listen on: no inherited socket and no --listen", 2);
  loop.run();
  return 0;
}

}  // namespace
}  // namespace headgate::gate

int main(int argc, char** argv) {
  headgate::tools::start_log("headgate-gate");
  return headgate::gate::run(argc, argv);
}
