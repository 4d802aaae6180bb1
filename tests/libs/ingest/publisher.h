// SPDX-License-Identifier: LGPL-2.1-or-later
// A publisher over rtmp::Client on a real socket, driven by the test's loop rounds.
#pragma once

#include <rtmp/adobe_auth.h>
#include <rtmp/client.h>

#include "ingest_support.h"

namespace headgate::ingest::test {

class Publisher {
 public:
  Publisher(uint16_t port, const std::string& user, const std::string& password, const std::string& key,
            const char* from = "127.0.0.1")
      : port_(port), from_(from) {
    target_.app = "lt";
    target_.tc_url = "rtmp://127.0.0.1:" + std::to_string(port) + "/lt";
    target_.stream_key = key;
    target_.user = user;
    target_.password = password;
    client_.emplace(target_);
    socket_ = connect_to(port_, from_);
  }
  Publisher(const Publisher&) = delete;  // the client points to its target
  Publisher& operator=(const Publisher&) = delete;
  static Publisher of(uint16_t port, const ticket::Issued& issued, const char* from = "127.0.0.1") {
    return Publisher(port, ticket::rtmp_user(issued.ticket.tid), ticket::rtmp_password(issued.seed),
                     issued.ticket.wire_text(), from);
  }

  // Sends and receives what there is. False once the connection is over.
  bool step() {
    while (client_->has_output()) {
      ByteVector out = client_->take_output();
      ::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL);
    }
    std::array<std::byte, 4096> buffer;
    ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return true;  // nothing there
    if (got == 0) {
      closed = true;
      return false;
    }
    auto fed = client_->feed(Bytes(buffer).first(static_cast<size_t>(got)));
    EXPECT_TRUE(fed) << fed.error().message;
    if (client_->phase() == rtmp::Client::Phase::kReconnect) {
      ++connections;
      client_->restart();
      socket_ = connect_to(port_, from_);
    }
    return true;
  }
  bool refused() const { return client_->phase() == rtmp::Client::Phase::kRefused; }
  const rtmp::Client::Refusal& refusal() const { return client_->refusal(); }
  rtmp::Client::Phase phase() const { return client_->phase(); }
  int socket() const { return socket_.get(); }

  int connections = 1;
  bool closed = false;

 private:
  uint16_t port_;
  const char* from_;
  rtmp::PublishTarget target_;
  std::optional<rtmp::Client> client_;
  UniqueFd socket_;
};

}  // namespace headgate::ingest::test
