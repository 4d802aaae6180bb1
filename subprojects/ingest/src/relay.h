// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: one connection of Relays, in its thread.
#pragma once

#include <base/bytes.h>
#include <base/loop.h>
#include <base/room.h>
#include <base/unique_fd.h>

#include <functional>
#include <span>

#include "stream.h"

namespace headgate::ingest {

class Relay {
 public:
  // `scratch` has room for Stream::kRecordSize; all relays of a thread share it.
  Relay(Loop& loop, Stream publisher, UniqueFd worker, std::span<std::byte> scratch);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Watches both sides. `changed` is called from the loop when one of the two below may have changed, and may
  // destroy the relay.
  void start(std::function<void()> changed);
  bool ended() const { return publisher_told_ && worker_told_; }
  // All that the worker had to say was sent: from here on it is a matter of time.
  bool lingers() const { return publisher_told_ && !ended(); }

 private:
  // What was read from one side and could not be sent to the other yet.
  struct Held {
    ByteVector bytes;
    size_t sent = 0;
    Bytes rest() const { return Bytes(bytes).subspan(sent); }
    bool empty() const { return bytes.empty(); }
    void keep(Bytes from) { bytes.assign(from.begin(), from.end()); }
    void clear() {
      clear_keeping(bytes, 0);
      sent = 0;
    }
  };

  void on_events(bool publisher_hung_up, bool worker_hung_up);
  void to_worker();
  void to_publisher();
  bool send_to_worker(Bytes bytes, size_t& sent);     // false: `sent` is less than all
  bool send_to_publisher(Bytes bytes, size_t& sent);  // likewise
  void publisher_broken();
  void watch_again();

  Loop& loop_;
  Stream publisher_;
  UniqueFd worker_;
  std::span<std::byte> scratch_;
  std::function<void()> changed_;
  Held for_worker_, for_publisher_;
  bool publisher_eof_ = false, worker_eof_ = false;    // nothing more comes from there
  bool worker_told_ = false, publisher_told_ = false;  // that nothing more comes from the other side
  bool worker_gone_ = false;                           // takes nothing any more; what is for it is dropped
  bool publisher_watched_ = false, worker_watched_ = false;
  uint32_t publisher_events_ = 0, worker_events_ = 0;  // that are watched for
  uint32_t receive_waits_, send_waits_;                // for what the publisher's side waits
};

}  // namespace headgate::ingest
