// SPDX-License-Identifier: LGPL-2.1-or-later
// A station that publishes MPEG-TS over SRT.
//
// Nothing waits for libsrt: its sockets have no descriptors, and its own epoll looks every 10 ms at best and
// spins where a socket can always be written. A station looks at its socket when it is due anyhow. All
// stations of a port of this machine share one UDP socket, and with it libsrt's two threads.
#pragma once

#include <memory>

#include <load/station.h>
#include <load/ts_clip.h>

namespace headgate::load {

// libsrt's threads, while it lives; and the local UDP ports that callers share.
class SrtPorts {
 public:
  static constexpr size_t kCallersPerPort = 250;

  SrtPorts();
  ~SrtPorts();
  SrtPorts(const SrtPorts&) = delete;
  SrtPorts& operator=(const SrtPorts&) = delete;

  // Binds the `index`-th caller's socket to an address of the machine, of `local` or any. False: see libsrt's
  // error.
  bool bind(int socket, size_t index, const Address& local, int family);

 private:
  std::map<std::pair<size_t, std::string>, Address> bound_;  // by number of the port and address
};

struct SrtPlan {
  uint32_t number = 0;
  Address server;
  std::string stream_id, passphrase;
  Address local;  // none: the kernel's
};

class SrtStation final : public Station {
 public:
  // `clip` and `ports` must outlive it. `index`: among the load's. `first_keyframe`: the payload that its
  // sessions begin with.
  SrtStation(LoadShared& shared, int64_t& due_us, const TsClip& clip, SrtPorts& ports, SrtPlan plan,
             size_t index, uint32_t first_keyframe, bool log_keyframes);
  ~SrtStation() override;

  void serve(int64_t now_us) override;
  void cut(int64_t now_us, int64_t back_us, bool silent) override;
  void stall(int64_t until_us) override;
  void finish(int64_t now_us) override;

 private:
  void open(int64_t now_us);
  void look(int64_t now_us);  // whether it is connected
  void pump(int64_t now_us);
  void drain(int64_t now_us);  // until the server has all of it
  bool broken() const;
  int64_t payload_due(uint64_t payload) const;
  void drop_connection() override;
  uint64_t undelivered() const override;
  SessionRecord sent() const override;

  static constexpr int kNoSocket = -1;

  const TsClip& clip_;
  SrtPorts& ports_;
  const SrtPlan plan_;
  const size_t index_;
  const uint32_t first_;
  const bool log_keyframes_;
  int socket_ = kNoSocket;
  uint64_t next_ = 0;  // payloads of the session that libsrt has taken
};

}  // namespace headgate::load
