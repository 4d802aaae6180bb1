// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/log.h>

#include <csignal>

#include "../commands.h"
#include "supervisor.h"

namespace headgate::cli {

int run_serve(int argc, char** argv) {
  tools::start_log("headgate");
  auto config = serve::read_config(argc, argv);
  if (!config) return complain(2, argv[0], config.error().message);
  Loop loop;
  serve::Supervisor supervisor(loop, *std::move(config));
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal == SIGHUP)
      supervisor.reload();
    else
      supervisor.stop();
  });
  if (auto started = supervisor.start(); !started) return complain(1, argv[0], started.error().message);
  loop.run();
  return supervisor.exit_code();
}

}  // namespace headgate::cli
