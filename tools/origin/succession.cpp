// SPDX-License-Identifier: LGPL-2.1-or-later
#include "succession.h"

#include <base/clock.h>
#include <common/log.h>
#include <common/socket_watch.h>

#include <filesystem>
#include <utility>

namespace headgate::origin {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

// The supervisor has moved its socket aside.
bool has_predecessor(const std::string& runtime_dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(runtime_dir, error))
    if (entry.path().filename().string().starts_with(std::string("origin") + tools::kAside)) return true;
  return false;
}

}  // namespace

Succession::~Succession() {
  loop_.cancel(timer_);
}

void Succession::open(const std::string& runtime_dir, std::function<void()> serves) {
  if (!has_predecessor(runtime_dir)) {
    parts_.server.open();
    return serves();
  }
  since_ms_ = now_ms();
  timer_ = loop_.every_ms(kKnowsCheckMs, [this, serves = std::move(serves)] {
    const bool late = now_ms() - since_ms_ >= kKnowsMs;
    if (!late && !(parts_.feed.caught_up() && parts_.catalog.settled())) return;
    if (late) tools::log_warning("workers or disk are slow: what is known so far is served");
    const auto act = serves;  // this callback goes with its timer
    loop_.cancel(std::exchange(timer_, 0));
    parts_.server.open();
    act();
  });
}

void Succession::retire(std::function<void()> done) {
  if (std::exchange(retired_, true)) return;
  tools::log_notice("another origin has the port; ends when nobody is connected",
                    {{"CONNECTIONS", parts_.server.open_connections()}});
  loop_.cancel(timer_);
  since_ms_ = now_ms();
  parts_.server.retire();
  parts_.events.retire();
  timer_ = loop_.every_ms(kRetireCheckMs, [this, done = std::move(done)] {
    if (parts_.server.open_connections() == 0 || now_ms() - since_ms_ >= kRetireMs) done();
  });
}

}  // namespace headgate::origin
