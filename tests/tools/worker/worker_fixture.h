// SPDX-License-Identifier: LGPL-2.1-or-later
// A worker with the real elements and the real description, spoken to over its socket as gate, origin and
// supervisor do.
#pragma once

#include <gst/gst.h>
#include <loop_test.h>
#include <playlist/stream_index.h>
#include <plugins/publisher.h>
#include <wire/channel.h>
#include <worker/worker.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "troubled_element.h"

namespace headgate::worker {

using test::AdmittedPublisher;

constexpr uint32_t kEvent = 7, kStation = 12;

// One end that connects to the worker and keeps what it hears.
struct Peer {
  std::unique_ptr<wire::Channel> channel;
  std::vector<wire::Message> heard;
  bool closed = false;

  Peer(Loop& loop, const std::string& path, const std::string& role) {
    auto opened = wire::Channel::connect(loop, path);
    EXPECT_TRUE(opened) << opened.error().message;
    channel = *std::move(opened);
    channel->start(
        [this](wire::Message message, std::vector<UniqueFd>) { heard.push_back(std::move(message)); },
        [this] { closed = true; });
    channel->send(wire::Hello{role});
  }

  template <typename T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& message : heard)
      if (auto* one = std::get_if<T>(&message)) out.push_back(*one);
    return out;
  }
  const wire::SessionClosed* closed_session(uint64_t session) const {
    for (const auto& message : heard)
      if (auto* one = std::get_if<wire::SessionClosed>(&message); one && one->session == session) return one;
    return nullptr;
  }
  // The index that an origin would have.
  playlist::StreamIndex index() const {
    playlist::StreamIndex out;
    for (const auto& batch : all<wire::StreamRecords>()) {
      ByteReader reader(batch.records);
      while (reader.remaining() > 0) {
        auto record = playlist::decode(reader.bytes(reader.u32()));
        EXPECT_TRUE(record && reader.ok());
        if (record) out.add(*record);
      }
    }
    return out;
  }
};

class WorkerTest : public ::testing::Test {
 protected:
  void SetUp() override { start(2); }

  // A session of these does nothing with its media, and what a "troubled" does. `restart`: of the
  // description.
  void start_troubled(Settings settings, const std::string& restart = "{}") {
    trouble::register_troubled();
    auto description = Description::parse(
        R"({"name": "t", "elements": "ticketsrc name=source tick-ms=10 troubled", "restart": )" + restart +
            "}",
        "t");
    ASSERT_TRUE(description) << description.error().message;
    settings.description = *description;
    start(2, std::move(settings), true);
  }

  void start(uint32_t capacity, Settings settings = {}, bool has_description = false) {
    worker_.reset();
    settings.id = 3;
    settings.runtime_dir = settings.root = scratch_.path();
    settings.node = "n01";
    settings.capacity = capacity;
    settings.parameters = {{"tick-ms", "10"}, {"idle-ms", "60000"}};
    if (!has_description) {
      auto description = Description::load(PIPELINES "/station.json");
      ASSERT_TRUE(description) << description.error().message;
      settings.description = *description;
    }
    settings.event = kEvent;
    settings.claims = {.window_us = 1'000'000, .cut_us = 2'000'000, .tolerance_percent = 10};
    worker_ = std::make_unique<Worker>(loop_, std::move(settings));
    auto started = worker_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  Peer peer(const std::string& role) { return Peer(loop_, scratch_.path() + "/worker-3.sock", role); }

  bool run_until(const std::function<bool()>& done) { return test::run_until(loop_, done); }

  void hand_over(Peer& gate, AdmittedPublisher& publisher, uint64_t session, uint32_t station = kStation,
                 uint32_t max_kbps = 0, uint32_t codecs = 0) {
    wire::Handoff handoff;
    handoff.session = session;
    handoff.event = kEvent;
    handoff.station = station;
    handoff.ticket_id = "aa";
    handoff.peer = "192.0.2.1:5";
    handoff.protocol = "rtmp";
    handoff.claim = "first";
    handoff.max_kbps = max_kbps;
    handoff.codecs = codecs;
    handoff.state = publisher.session_state();
    ASSERT_TRUE(gate.channel->send(handoff, {publisher.session_fd()}));
    publisher.handed_over();
  }

  static const test::MediaFile& media() {
    static const test::MediaFile file = test::encode(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 7 -c:v libx264 -bf 0 -g 25 -c:a "
        "aac");
    return file;
  }

  test::ScratchDirectory scratch_;
  Loop loop_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace headgate::worker
