// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/log.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "../commands.h"
#include "node_keys.h"
#include "supervisor.h"

namespace headgate::cli {

int run_serve(int argc, char** argv) {
  tools::start_log("headgate");
  const auto refuse = [&](int code, const std::string& reason) {
    // For the supervisor that has this tried before it becomes it.
    if (std::any_of(argv, argv + argc, [](const char* one) { return std::strcmp(one, "--check") == 0; }))
      std::puts(reason.c_str());
    return complain(code, argv[0], reason);
  };
  auto config = serve::read_config(argc, argv);
  if (!config) return refuse(2, config.error().message);
  // They are looked at until they are right: whoever starts this program does so again, but after a 2.
  if (auto keys = serve::take_keys(*config); !keys) return refuse(1, keys.error().message);
  const bool check = config->check;
  Loop loop;
  serve::Supervisor supervisor(loop, *std::move(config));
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP, SIGUSR2}, [&](const SignalInfo& signal) {
    const tools::Actor actor = tools::actor_of_signal(signal);
    if (signal.number == SIGHUP)
      supervisor.reload(actor);
    else if (signal.number == SIGUSR2)
      supervisor.upgrade(actor);
    else
      supervisor.stop(actor);
  });
  if (check)
    supervisor.check();
  else if (auto started = supervisor.start(); !started)
    return complain(1, argv[0], started.error().message);
  loop.run();
  return supervisor.exit_code();
}

}  // namespace headgate::cli
