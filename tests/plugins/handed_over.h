// SPDX-License-Identifier: LGPL-2.1-or-later
// ticketsrc under an application: sessions that were admitted elsewhere, sent byte by byte.
#pragma once

#include <memory>
#include <string>

#include "publisher.h"

namespace headgate::test {

class HandedOver : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    media_ = new MediaFile(encode(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=44100 -t 3 -c:v libx264 -preset ultrafast "
        "-g 25 -bf 2 -c:a aac"));
    other_ = new MediaFile(
        encode("-f lavfi -i testsrc2=s=320x240:r=25 -t 1 -c:v libx264 -preset ultrafast -bf 0"));
  }
  static void TearDownTestSuite() {
    delete media_;
    delete other_;
  }

  void start(const std::string& properties = {}) {
    pipeline_ = std::make_unique<Pipeline>(
        "ticketsrc name=source tick-ms=10 " + properties +
        " fakesink name=v async=false sync=false fakesink name=a async=false sync=false "
        "source.video_0 ! v.sink source.audio_0 ! a.sink");
    video_ = watch_pad(*pipeline_, "v", "sink");
    audio_ = watch_pad(*pipeline_, "a", "sink");
    publisher_.hand_over(pipeline_->element("source").get());
    pipeline_->play();
  }
  std::string close_reason() {
    const auto message = pipeline_->wait(Pipeline::is_element("headgate-session", "action", "close"));
    return message ? text_field(message.get(), "reason") : "no close message";
  }
  gst::Ref<GstCaps> caps_of(Passed& passed, size_t index = 0) {
    const auto events = passed.events_of(GST_EVENT_CAPS);
    if (index >= events.size()) return {};
    GstCaps* caps = nullptr;
    gst_event_parse_caps(events[index].get(), &caps);
    return gst::Ref<GstCaps>::retain(caps);
  }
  uint64_t stat(const char* field) {
    GstStructure* raw = nullptr;
    g_object_get(pipeline_->element("source").get(), "stats", &raw, nullptr);
    const gst::StructurePtr stats(raw);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(raw, field, &value)) << field;
    return value;
  }
  static int64_t timescale(codec::Kind kind) {
    return kind == codec::Kind::video ? media_->video->timescale : media_->audio->timescale;
  }
  void send(const Packet& packet) {
    const auto ms = [&](int64_t ticks) { return ticks * 1000 / timescale(packet.kind); };
    if (packet.kind == codec::Kind::video)
      publisher_.video(packet.data, static_cast<uint32_t>(ms(packet.dts)), packet.key,
                       static_cast<int32_t>(ms(packet.pts) - ms(packet.dts)));
    else
      publisher_.audio(packet.data, static_cast<uint32_t>(ms(packet.dts)));
  }
  static size_t packets(codec::Kind kind) {
    return static_cast<size_t>(std::count_if(media_->packets.begin(), media_->packets.end(),
                                             [kind](const Packet& packet) { return packet.kind == kind; }));
  }
  static Bytes video_frame(bool key = true) { return frame(codec::Kind::video, key); }
  static Bytes audio_frame() { return frame(codec::Kind::audio, true); }
  static Bytes frame(codec::Kind kind, bool key) {
    return std::find_if(media_->packets.begin(), media_->packets.end(),
                        [=](const Packet& packet) { return packet.kind == kind && packet.key == key; })
        ->data;
  }

  static inline MediaFile* media_ = nullptr;
  static inline MediaFile* other_ = nullptr;
  AdmittedPublisher publisher_;
  std::unique_ptr<Pipeline> pipeline_;
  std::shared_ptr<Passed> video_, audio_;
};

}  // namespace headgate::test
