// SPDX-License-Identifier: LGPL-2.1-or-later
// A station that publishes by RTMP.
#pragma once

#include <optional>

#include <base/unique_fd.h>
#include <load/clip.h>
#include <load/station.h>
#include <rtmp/client.h>

namespace headgate::load {

inline constexpr int64_t kSilentSeconds = 60;  // how long a connection cut without a word stays open

struct RtmpPlan {
  uint32_t number = 0;
  Address server;
  rtmp::PublishTarget target;
  Address local;  // none: the kernel's
};

class RtmpStation final : public Station {
 public:
  // `clip` must outlive it. `first_keyframe`: the message that its sessions begin with.
  RtmpStation(LoadShared& shared, int64_t& due_us, const Clip& clip, RtmpPlan plan, uint32_t first_keyframe,
              bool log_keyframes);
  ~RtmpStation() override;

  void serve(int64_t now_us) override;
  void cut(int64_t now_us, int64_t back_us, bool silent) override;
  void stall(int64_t until_us) override;
  void finish(int64_t now_us) override;

 private:
  void open(int64_t now_us);
  void on_io(uint32_t events);
  void read_socket(int64_t now_us);
  void drive_client(int64_t now_us);
  void go_live(int64_t now_us);
  bool flush_output(int64_t now_us);
  void pump(int64_t now_us);
  bool send_media(int64_t now_us);
  void account_sent(uint64_t bytes, int64_t now_us);
  void finish_when_sent(int64_t now_us);
  void want_writable(bool want);
  void break_socket(bool silent);
  int64_t message_due(uint64_t message) const;
  uint64_t undelivered() const override;
  void drop_connection() override;
  SessionRecord sent() const override;

  const Clip& clip_;
  const RtmpPlan plan_;
  const uint32_t first_;
  const bool log_keyframes_;

  // The connection.
  UniqueFd fd_;
  bool want_writable_ = false;
  std::optional<rtmp::Client> client_;
  ByteVector output_;  // commands; goes out between two media messages
  size_t output_at_ = 0;
  int64_t asked_us_ = 0;  // `publish` was sent

  // The media, counted in messages from the session's first.
  uint64_t next_ = 0;       // the first message that is not due yet
  uint64_t sent_ = 0;       // messages that the socket took completely
  uint32_t sent_part_ = 0;  // bytes of message sent_ that it took
  size_t at_ = 0;           // in the clip's chunks: the next byte to send
  uint64_t unsent_ = 0;     // bytes due and not yet taken
};

}  // namespace headgate::load
