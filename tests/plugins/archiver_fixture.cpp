// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archiver_fixture.h"

namespace headgate::test {

void expect_plays(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    EXPECT_EQ(output_of("ffmpeg -v warning -i " + file + " -f null - 2>&1"), "") << file;
}

bool is_broken(GstMessage* message) {
  if (!Pipeline::is_element("headgate-archive", "state", "lost")(message)) return false;
  gboolean broken = FALSE;
  EXPECT_TRUE(gst_structure_get_boolean(gst_message_get_structure(message), "broken", &broken));
  return broken == TRUE;
}

GstEvent* session_event(unsigned station) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new("headgate-session", "event", G_TYPE_UINT, 6, "station", G_TYPE_UINT, station, "peer",
                        G_TYPE_STRING, "192.0.2.9:1", nullptr));
}

GstEvent* session_end_event(const char* reason) {
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new("headgate-session-end", "reason",
                                                                             G_TYPE_STRING, reason, nullptr));
}

ByHand::Pad::Pad(GstElement* archiver, const char* name, const codec::Track& track)
    : pad_(gst::Ref<GstPad>::adopt(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SRC))))),
      sink_(gst::Ref<GstPad>::adopt(gst_element_request_pad_simple(archiver, name))) {
  gst_pad_set_active(pad_.get(), TRUE);
  EXPECT_EQ(gst_pad_link(pad_.get(), sink_.get()), GST_PAD_LINK_OK);
  send(gst_event_new_stream_start(name));
  caps(track);
  segment();
}

ByHand::Pad::~Pad() {
  const auto archiver = gst::Ref<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(sink_.get())));
  if (archiver) gst_element_release_request_pad(GST_ELEMENT(archiver.get()), sink_.get());
}

void ByHand::Pad::caps(const codec::Track& track) {
  const auto config =
      gst::Ref<GstBuffer>::adopt(gst_buffer_new_memdup(track.config.data(), track.config.size()));
  const bool video = track.kind == codec::Kind::video;
  const auto caps = gst::Ref<GstCaps>::adopt(
      video ? gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "avc", "alignment",
                                  G_TYPE_STRING, "au", "codec_data", GST_TYPE_BUFFER, config.get(), nullptr)
            : gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format", G_TYPE_STRING,
                                  "raw", "codec_data", GST_TYPE_BUFFER, config.get(), nullptr));
  send(gst_event_new_caps(caps.get()));
}

void ByHand::Pad::segment() {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  send(gst_event_new_segment(&segment));
}

GstFlowReturn ByHand::Pad::try_push(const Packet& packet, uint64_t timescale, int64_t offset_ms) {
  GstBuffer* buffer = gst_buffer_new_memdup(packet.data.data(), packet.data.size());
  const auto ns = [&](int64_t ticks) {
    return gst_util_uint64_scale(static_cast<guint64>(ticks), GST_SECOND, timescale) +
           static_cast<guint64>(offset_ms) * GST_MSECOND;
  };
  GST_BUFFER_DTS(buffer) = ns(packet.dts);
  GST_BUFFER_PTS(buffer) = ns(packet.pts);
  if (!packet.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push(pad_.get(), buffer);
}

void ByHand::SetUpTestSuite() {
  media_ = encode(
      "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 6 "
      "-c:v libx264 -preset ultrafast -g 25 -bf 0 -c:a aac");
  other_ = encode("-f lavfi -i testsrc2=s=320x240:r=25 -t 3 -c:v libx264 -preset ultrafast -g 25 -bf 0");
}

void ByHand::TearDownTestSuite() {
  media_ = other_ = {};
}

void ByHand::start(bool video, bool audio) {
  pipeline_ = std::make_unique<Pipeline>(archiver(properties_));
  archiver_ = pipeline_->element("archive");
  pipeline_->play();
  if (video) video_.emplace(archiver_.get(), "video", *media_.video);
  if (audio) audio_.emplace(archiver_.get(), "audio_%u", *media_.audio);
}

void ByHand::TearDown() {
  if (pipeline_) pipeline_->stop();
  video_.reset();
  audio_.reset();
}

ByHand::Pushed ByHand::push(const MediaFile& media, int64_t from, int64_t to, int64_t offset, bool audio) {
  Pushed pushed;
  for (const Packet& packet : media.packets) {
    const bool is_video = packet.kind == codec::Kind::video;
    const uint64_t timescale = is_video ? media.video->timescale : media.audio->timescale;
    const int64_t ms = packet.dts * 1000 / static_cast<int64_t>(timescale);
    auto& pad = is_video ? video_ : audio_;
    if (!pad || ms < from || ms >= to || (!is_video && !audio)) continue;
    pad->push(packet, timescale, offset);
    ++(is_video ? pushed.video : pushed.audio);
  }
  return pushed;
}

void ByHand::send_all(GstEvent* event) {
  const auto owned = gst::Ref<GstEvent>::adopt(event);
  for (auto* pad : {&video_, &audio_})
    if (*pad) (*pad)->send(gst_event_ref(event));
}

void ByHand::finish() {
  send_all(gst_event_new_eos());
  ASSERT_TRUE(pipeline_->wait_eos());
  pipeline_->stop();
}

void ByHand::expect_archived(const Pushed& pushed) {
  EXPECT_EQ(count_packets(media(), codec::Kind::video), pushed.video);
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), pushed.audio);
  expect_plays(media());
}

uint64_t ByHand::stat(const char* field) {
  GstStructure* raw = nullptr;
  g_object_get(archiver_.get(), "stats", &raw, nullptr);
  const gst::StructurePtr stats(raw);
  guint64 value = 0;
  EXPECT_TRUE(gst_structure_get_uint64(raw, field, &value)) << field;
  return value;
}

}  // namespace headgate::test
