// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/loop.h>
#include <ingest/relays.h>

#include <atomic>
#include <thread>
#include <unordered_map>
#include <utility>

#include "relay.h"

namespace headgate::ingest {
namespace {

constexpr size_t kScratchSize = 4 * Stream::kRecordSize;

}  // namespace

class Relays::Thread {
 public:
  Thread() : scratch_(kScratchSize), thread_([this] { loop_.run(); }) {}
  ~Thread() {
    loop_.post([this] { loop_.stop(); });
    thread_.join();
    all_.clear();
  }
  void add(Stream publisher, UniqueFd local) {
    ++connections_;
    // A std::function can be copied, and what it holds has to be.
    auto stream = std::make_shared<Stream>(std::move(publisher));
    auto worker = std::make_shared<UniqueFd>(std::move(local));
    loop_.post([this, stream, worker] { begin(std::move(*stream), std::move(*worker)); });
  }
  size_t connections() const { return connections_; }

 private:
  struct One {
    One(Loop& loop, Stream publisher, UniqueFd local, std::span<std::byte> scratch)
        : relay(loop, std::move(publisher), std::move(local), scratch) {}
    Relay relay;
    bool lingers = false;  // and its end is a matter of time
  };

  void begin(Stream publisher, UniqueFd local) {
    const uint64_t id = ++last_id_;
    auto& one = all_[id];
    one = std::make_unique<One>(loop_, std::move(publisher), std::move(local), scratch_);
    one->relay.start([this, id] { on_changed(id); });
  }
  void on_changed(uint64_t id) {
    One& one = *all_.at(id);
    if (one.relay.ended()) return end(id);
    if (!one.relay.lingers() || std::exchange(one.lingers, true)) return;
    loop_.after_ms(kLingerMs, [this, id] { end(id); });
  }
  void end(uint64_t id) { connections_ -= all_.erase(id); }

  Loop loop_;
  ByteVector scratch_;
  std::unordered_map<uint64_t, std::unique_ptr<One>> all_;
  uint64_t last_id_ = 0;
  std::atomic<size_t> connections_ = 0;
  std::thread thread_;  // last: it uses the others
};

Relays::Relays() : thread_(std::make_unique<Thread>()) {}
Relays::~Relays() = default;

void Relays::add(Stream publisher, UniqueFd local) {
  thread_->add(std::move(publisher), std::move(local));
}

size_t Relays::connections() const {
  return thread_->connections();
}

}  // namespace headgate::ingest
