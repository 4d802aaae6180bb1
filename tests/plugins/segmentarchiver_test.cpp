// SPDX-License-Identifier: LGPL-2.1-or-later
// Real encoders into the archive; what is there is counted by ffprobe.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <base/unique_fd.h>
#include <playlist/record.h>
#include <store/run_writer.h>

#include "../libs/store/failing_disk.h"
#include "plugin_test.h"

namespace headgate::test {
namespace {

constexpr char kVideo[] =
    "videotestsrc num-buffers=120 ! video/x-raw,width=160,height=120,framerate=30/1 ! "
    "x264enc key-int-max=30 speed-preset=ultrafast bframes=2 ! h264parse name=vp ! archive.video ";
constexpr char kAudio[] =
    "audiotestsrc num-buffers=180 samplesperbuffer=1024 ! audio/x-raw,rate=44100 ! avenc_aac name=ap ! "
    "archive.audio_0 ";

class Archiver : public ::testing::Test {
 protected:
  std::string archiver(const std::string& more = {}) {
    return "segmentarchiver name=archive event=5 station=9 root=" + scratch_.path() + " " + more + " ";
  }
  std::vector<std::string> media() { return files_under(scratch_.path(), ".mp4"); }
  size_t runs() { return files_under(scratch_.path(), "run.jl").size(); }
  ScratchDirectory scratch_;
};

// Every file plays from its beginning, without a complaint of the demuxer or the decoders.
void expect_plays(const std::vector<std::string>& files) {
  for (const std::string& file : files)
    EXPECT_EQ(output_of("ffmpeg -v warning -i " + file + " -f null - 2>&1"), "") << file;
}

TEST_F(Archiver, KeepsEveryFrameOfVideoAndAudio) {
  Pipeline pipeline(archiver() + kVideo + kAudio);
  const auto video = watch_pad(pipeline, "vp", "src");
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_EQ(pipeline.count([](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS && GST_IS_PIPELINE(GST_MESSAGE_SRC(message)) == FALSE;
  }),
            0);  // the bin keeps the element's own
  pipeline.stop();
  ASSERT_EQ(media().size(), 1u);
  EXPECT_EQ(video->count(), 120u);
  EXPECT_EQ(count_packets(media(), codec::Kind::video), video->count());
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"eos\""), 1u);
  expect_plays(media());
}

TEST_F(Archiver, KeepsTheSendersTimes) {
  Pipeline pipeline(archiver() + kVideo + kAudio);
  const auto video = watch_pad(pipeline, "vp", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  std::vector<Packet> packets;
  for (const Packet& packet : probe_packets(media().at(0)))
    if (packet.kind == codec::Kind::video) packets.push_back(packet);
  ASSERT_EQ(packets.size(), video->count());
  GstBuffer* first = video->buffers[0].get();
  for (size_t i = 0; i < packets.size(); ++i) {
    GstBuffer* buffer = video->buffers[i].get();
    const auto ticks = [](GstClockTime time, GstClockTime from) {
      return (static_cast<double>(time) - static_cast<double>(from)) * 90000 / 1e9;
    };
    EXPECT_NEAR(static_cast<double>(packets[i].dts - packets[0].dts),
                ticks(GST_BUFFER_DTS(buffer), GST_BUFFER_DTS(first)), 1.0);
    EXPECT_NEAR(static_cast<double>(packets[i].pts - packets[0].dts),
                ticks(GST_BUFFER_PTS(buffer), GST_BUFFER_DTS(first)), 1.0);
    EXPECT_EQ(packets[i].key, !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  }
}

TEST_F(Archiver, TakesVideoAlone) {
  Pipeline pipeline(archiver() + kVideo);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(count_packets(media(), codec::Kind::video), 120u);
  expect_plays(media());
}

TEST_F(Archiver, TakesAudioAlone) {
  Pipeline pipeline(archiver() + kAudio);
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_GE(audio->count(), 180u);
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  expect_plays(media());
}

TEST_F(Archiver, TakesLiveSources) {
  Pipeline pipeline(
      archiver() +
      "videotestsrc is-live=true num-buffers=75 ! video/x-raw,width=160,height=120,framerate=25/1 ! "
      "x264enc key-int-max=25 tune=zerolatency ! h264parse name=vp ! archive.video "
      "audiotestsrc is-live=true num-buffers=130 samplesperbuffer=1024 ! avenc_aac name=ap ! "
      "archive.audio_0");
  const auto video = watch_pad(pipeline, "vp", "src");
  const auto audio = watch_pad(pipeline, "ap", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  EXPECT_EQ(count_packets(media(), codec::Kind::video), video->count());
  EXPECT_EQ(count_packets(media(), codec::Kind::audio), audio->count());
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Archiver, RecordsSayWhereEachSegmentLies) {
  Pipeline pipeline(archiver("segment-duration=1000000000 max-segment-duration=3000000000") + kVideo +
                    kAudio);
  const auto records = watch_pad(pipeline, "archive", "src");
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  pipeline.stop();
  std::map<size_t, int> kinds;
  uint64_t next_offset = 0;
  for (const auto& buffer : records->buffers) {
    GstMapInfo info;
    ASSERT_TRUE(gst_buffer_map(buffer.get(), &info, GST_MAP_READ));
    auto record = playlist::decode({reinterpret_cast<const std::byte*>(info.data), info.size});
    gst_buffer_unmap(buffer.get(), &info);
    ASSERT_TRUE(record) << record.error().message;
    ++kinds[record->index()];
    if (const auto* run = std::get_if<playlist::RunRecord>(&*record)) {
      EXPECT_EQ(run->max_segment_ms, 3000u);
    }
    if (const auto* segment = std::get_if<playlist::SegmentRecord>(&*record)) {
      EXPECT_TRUE(next_offset == 0 || segment->offset == next_offset);
      next_offset = segment->offset + segment->length;
      EXPECT_EQ(scratch_.path() + "/" + segment->file, media().at(0));
    }
  }
  EXPECT_EQ(kinds[0], 1);  // run
  EXPECT_EQ(kinds[1], 1);  // init
  EXPECT_GE(kinds[2], 6);  // parts
  EXPECT_EQ(kinds[3], 4);  // segments of 1 s
  EXPECT_EQ(kinds[5], 1);  // end
  EXPECT_EQ(records->events_of(GST_EVENT_EOS).size(), 1u);
  EXPECT_EQ(records->events_of(GST_EVENT_STREAM_START).size(), 1u);
}

// Frames of a real encoder, pushed by the test's own thread, in the order and with the events that a test
// wants.
class ByHand : public Archiver {
 protected:
  void start(bool video, bool audio) {
    media_ = encode(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 6 -c:v libx264 -preset ultrafast -g "
        "25 "
        "-bf 0 -c:a aac");
    other_ = encode("-f lavfi -i testsrc2=s=320x240:r=25 -t 3 -c:v libx264 -preset ultrafast -g 25 -bf 0");
    pipeline_ = std::make_unique<Pipeline>(archiver());
    archiver_ = pipeline_->element("archive");
    pipeline_->play();
    if (video) video_.emplace(archiver_.get(), "video", *media_.video);
    if (audio) audio_.emplace(archiver_.get(), "audio_%u", *media_.audio);
  }
  void TearDown() override {
    if (pipeline_) pipeline_->stop();
    video_.reset();
    audio_.reset();
  }

  // A source pad linked to a requested one.
  class Pad {
   public:
    Pad(GstElement* archiver, const char* name, const codec::Track& track)
        : pad_(gst::Ref<GstPad>::adopt(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SRC))))),
          sink_(gst::Ref<GstPad>::adopt(gst_element_request_pad_simple(archiver, name))) {
      gst_pad_set_active(pad_.get(), TRUE);
      EXPECT_EQ(gst_pad_link(pad_.get(), sink_.get()), GST_PAD_LINK_OK);
      send(gst_event_new_stream_start(name));
      caps(track);
      segment();
    }
    ~Pad() {
      const auto archiver = gst::Ref<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(sink_.get())));
      if (archiver) gst_element_release_request_pad(GST_ELEMENT(archiver.get()), sink_.get());
    }
    void send(GstEvent* event) { EXPECT_TRUE(gst_pad_push_event(pad_.get(), event)); }
    void caps(const codec::Track& track) {
      const auto config =
          gst::Ref<GstBuffer>::adopt(gst_buffer_new_memdup(track.config.data(), track.config.size()));
      const bool video = track.kind == codec::Kind::video;
      const auto caps = gst::Ref<GstCaps>::adopt(
          video
              ? gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING, "avc", "alignment",
                                    G_TYPE_STRING, "au", "codec_data", GST_TYPE_BUFFER, config.get(), nullptr)
              : gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format",
                                    G_TYPE_STRING, "raw", "codec_data", GST_TYPE_BUFFER, config.get(),
                                    nullptr));
      send(gst_event_new_caps(caps.get()));
    }
    void segment() {
      GstSegment segment;
      gst_segment_init(&segment, GST_FORMAT_TIME);
      send(gst_event_new_segment(&segment));
    }
    void push(const Packet& packet, uint64_t timescale, int64_t offset_ms) {
      ASSERT_EQ(try_push(packet, timescale, offset_ms), GST_FLOW_OK);
    }
    GstFlowReturn try_push(const Packet& packet, uint64_t timescale, int64_t offset_ms) {
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

   private:
    gst::Ref<GstPad> pad_, sink_;
  };

  // The file's packets with a decode time in [from, to) ms, moved by `offset` ms, to the pads that there are.
  struct Pushed {
    size_t video = 0, audio = 0;
    Pushed& operator+=(const Pushed& other) {
      video += other.video, audio += other.audio;
      return *this;
    }
  };
  Pushed push(const MediaFile& media, int64_t from, int64_t to, int64_t offset = 0, bool audio = true) {
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
  void finish() {
    if (video_) video_->send(gst_event_new_eos());
    if (audio_) audio_->send(gst_event_new_eos());
    ASSERT_TRUE(pipeline_->wait_eos());
    pipeline_->stop();
  }
  void expect_archived(const Pushed& pushed) {
    EXPECT_EQ(count_packets(media(), codec::Kind::video), pushed.video);
    EXPECT_EQ(count_packets(media(), codec::Kind::audio), pushed.audio);
    expect_plays(media());
  }
  // Sources like these are never waited in, so that a run is opened beside them: whatever comes next shows
  // it.
  bool written() {
    return eventually([this] {
      video_->send(gst_event_new_gap(0, 1));
      return stat("frames") > 0;
    });
  }
  uint64_t stat(const char* field) {
    GstStructure* raw = nullptr;
    g_object_get(archiver_.get(), "stats", &raw, nullptr);
    const gst::StructurePtr stats(raw);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(raw, field, &value)) << field;
    return value;
  }

  MediaFile media_, other_;
  std::unique_ptr<Pipeline> pipeline_;
  gst::Ref<GstElement> archiver_;
  std::optional<Pad> video_, audio_;
};

TEST_F(ByHand, AChangedConfigurationStartsANewFileOfTheSameRun) {
  start(true, false);
  const Pushed first = push(media_, 0, 4000);
  video_->caps(*other_.video);
  const Pushed second = push(other_, 0, 9000, 3000);
  finish();
  ASSERT_EQ(media().size(), 2u);
  EXPECT_EQ(count_packets({media()[0]}, codec::Kind::video), first.video);
  EXPECT_EQ(count_packets({media()[1]}, codec::Kind::video), second.video);
  EXPECT_EQ(runs(), 1u);
  expect_plays(media());
}

TEST_F(ByHand, AConfigurationThatChangesForEverEndsTheRun) {
  start(true, false);
  uint32_t changes = 0;
  const Packet* keys[] = {nullptr, nullptr};
  const MediaFile* files[] = {&media_, &other_};
  for (int i = 0; i < 2; ++i)
    for (const Packet& packet : files[i]->packets)
      if (packet.kind == codec::Kind::video && packet.key && !keys[i]) keys[i] = &packet;
  ASSERT_TRUE(keys[0] && keys[1]);
  GstFlowReturn flow = GST_FLOW_OK;
  for (; flow == GST_FLOW_OK && changes <= store::kMaxPresentations; ++changes) {
    const MediaFile& file = *files[changes % 2];
    video_->caps(*file.video);
    flow = video_->try_push(*keys[changes % 2], file.video->timescale, changes * 40);
    if (changes == 0) {
      ASSERT_TRUE(written());
    }
  }
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_EQ(changes, store::kMaxPresentations + 1);
  EXPECT_EQ(pipeline_->count(Pipeline::is_type(GST_MESSAGE_ERROR)), 1);
  EXPECT_TRUE(eventually([&] { return chain_lines(scratch_.path(), "\"reason\":\"limit\"") == 1; }));
  EXPECT_EQ(chain_lines(scratch_.path(), "\"t\":\"end\""), 1u);
}

TEST_F(ByHand, TheSameConfigurationAgainChangesNothing) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  video_->caps(*media_.video);
  audio_->caps(*media_.audio);
  pushed += push(media_, 3000, 9000);
  finish();
  EXPECT_EQ(media().size(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, APadThatNeverGetsDataIsNotWaitedForForever) {
  start(true, true);
  Pushed pushed = push(media_, 0, 2900, 0, false);  // the file's times begin at 1 s
  EXPECT_EQ(stat("frames"), 0u);
  pushed += push(media_, 2900, 9000, 0, false);
  EXPECT_TRUE(written());
  finish();
  EXPECT_EQ(media().size(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, APadThatIsNotLinkedIsNotWaitedForAtAll) {
  start(true, false);
  GstPad* unlinked = gst_element_request_pad_simple(archiver_.get(), "audio_0");
  const Pushed pushed = push(media_, 0, 1500);
  EXPECT_TRUE(written());
  finish();
  gst_object_unref(unlinked);
  expect_archived(pushed);
}

TEST_F(ByHand, AGapEventSaysThatATrackHasNothingNow) {
  start(true, true);
  audio_->send(gst_event_new_gap(0, 20 * GST_SECOND));
  Pushed pushed = push(media_, 0, 1500, 0, false);
  EXPECT_TRUE(written());
  pushed += push(media_, 1500, 9000, 0, false);
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, ALinkedPadMayBeReleased) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  audio_.reset();  // unlinks and releases
  pushed += push(media_, 3000, 9000);
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, ATrackThatComesLateStartsANewFileAtAKeyFrame) {
  start(true, true);
  Pushed pushed = push(media_, 0, 4300, 0, false);
  ASSERT_TRUE(written());
  const Pushed rest = push(media_, 4300, 9000);
  pushed += rest;
  finish();
  ASSERT_EQ(media().size(), 2u);
  EXPECT_EQ(count_packets({media()[0]}, codec::Kind::audio), 0u);
  EXPECT_EQ(count_packets({media()[1]}, codec::Kind::audio), rest.audio);
  EXPECT_TRUE(probe_packets(media()[1]).at(0).key);
  EXPECT_EQ(runs(), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, MissingMediaIsRecordedAsAGap) {
  start(true, true);
  Pushed pushed = push(media_, 0, 3000);
  pushed += push(media_, 3000, 9000, 5000);
  finish();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"t\":\"gap\""), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"stall\""), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, AFlushEndsTheRun) {
  start(true, false);
  Pushed pushed = push(media_, 0, 4000);
  ASSERT_TRUE(written());
  video_->send(gst_event_new_flush_start());
  video_->send(gst_event_new_flush_stop(TRUE));
  video_->segment();
  pushed += push(media_, 4000, 9000);
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"flush\""), 1u);
  expect_archived(pushed);
}

GstEvent* session_event(unsigned station) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new("headgate-session", "event", G_TYPE_UINT, 6, "station", G_TYPE_UINT, station, "peer",
                        G_TYPE_STRING, "192.0.2.9:1", nullptr));
}

TEST_F(ByHand, EachSessionIsARunOfItsStation) {
  start(true, true);
  Pushed pushed;
  for (const unsigned station : {21, 22}) {
    GstEvent* event = session_event(station);  // one event for both pads: one session
    video_->send(gst_event_ref(event));
    audio_->send(event);
    pushed += push(media_, 0, 9000, station == 21 ? 0 : 6000);
  }
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"station\":21"), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"station\":22"), 1u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"superseded\""), 1u);
  for (const std::string& file : media())
    EXPECT_EQ(count_packets({file}, codec::Kind::video), pushed.video / 2) << file;
  expect_archived(pushed);
}

TEST_F(ByHand, TracksThatEnterASessionOneAfterTheOtherLoseNothing) {
  start(true, true);
  GstEvent* first = session_event(21);
  video_->send(gst_event_ref(first));
  audio_->send(first);
  Pushed pushed = push(media_, 0, 3000);
  GstEvent* second = session_event(22);
  video_->send(gst_event_ref(second));
  pushed += push(media_, 3000, 3500);  // video is in the second, audio still in the first
  audio_->send(second);
  pushed += push(media_, 3500, 9000);
  finish();
  EXPECT_EQ(runs(), 2u);
  expect_archived(pushed);
}

TEST_F(ByHand, TheSourcesReasonIsTheRunsReason) {
  start(true, true);
  GstEvent* event = session_event(21);
  video_->send(gst_event_ref(event));
  audio_->send(event);
  const Pushed pushed = push(media_, 0, 9000);
  for (auto* pad : {&video_, &audio_})
    (*pad)->send(gst_event_new_custom(
        GST_EVENT_CUSTOM_DOWNSTREAM,
        gst_structure_new("headgate-session-end", "reason", G_TYPE_STRING, "unpublish", nullptr)));
  // The run is over before anything else comes.
  EXPECT_TRUE(eventually([&] { return chain_lines(scratch_.path(), "\"reason\":\"unpublish\"") == 1; }));
  finish();
  expect_archived(pushed);
}

TEST_F(ByHand, StoppingEndsTheRun) {
  start(true, false);
  const Pushed pushed = push(media_, 0, 9000);
  pipeline_->stop();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"stopped\""), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, TheSourceIsNotHeldUpWhileARunIsOpened) {
  // Opening waits for this lock, as it would for a slow disk.
  const std::string event = scratch_.path() + "/lta/5";
  std::filesystem::create_directories(event);
  UniqueFd lock(::open(event.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  start(true, true);
  Pushed pushed = push(media_, 0, 4000);
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(stat("frames"), 0u);
  lock.reset();
  ASSERT_TRUE(written());
  pushed += push(media_, 4000, 9000);
  finish();
  EXPECT_EQ(runs(), 1u);
  EXPECT_EQ(stat("dropped-frames"), 0u);
  expect_archived(pushed);
}

TEST_F(ByHand, AnOpeningOutlastsItsSession) {
  const std::string event = scratch_.path() + "/lta/5";
  std::filesystem::create_directories(event);
  UniqueFd lock(::open(event.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  start(true, true);
  const Pushed pushed = push(media_, 0, 9000);
  for (auto* pad : {&video_, &audio_}) {
    (*pad)->send(gst_event_new_custom(
        GST_EVENT_CUSTOM_DOWNSTREAM,
        gst_structure_new("headgate-session-end", "reason", G_TYPE_STRING, "unpublish", nullptr)));
    (*pad)->send(gst_event_new_eos());
  }
  EXPECT_EQ(runs(), 0u);
  lock.reset();
  pipeline_->stop();
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"unpublish\""), 1u);
  expect_archived(pushed);
}

TEST_F(ByHand, ASupersededOpeningIsNotWaitedFor) {
  const std::string event = scratch_.path() + "/lta/6";
  std::filesystem::create_directories(event);
  UniqueFd lock(::open(event.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  start(true, false);
  video_->send(session_event(21));
  const Pushed lost = push(media_, 0, 4000);
  video_->send(session_event(21));  // the same station's: it is not free until the first one's run has ended
  const Pushed pushed = push(media_, 0, 9000, 4000);
  lock.reset();
  ASSERT_TRUE(written());
  finish();
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(chain_lines(scratch_.path(), "\"reason\":\"superseded\""), 1u);
  EXPECT_EQ(stat("dropped-frames"), lost.video);
  expect_archived(pushed);
}

// A message that nothing is recorded because the volume is broken.
bool is_broken(GstMessage* message) {
  if (!Pipeline::is_element("headgate-archive", "state", "lost")(message)) return false;
  gboolean broken = FALSE;
  EXPECT_TRUE(gst_structure_get_boolean(gst_message_get_structure(message), "broken", &broken));
  return broken == TRUE;
}

TEST_F(ByHand, ABrokenVolumeIsSaidToBeOne) {
  start(true, false);
  push(media_, 0, 4000);
  ASSERT_TRUE(written());
  failing_disk().pwritev_errno = EIO;
  push(media_, 4000, 9000);
  failing_disk().pwritev_errno = 0;
  EXPECT_EQ(pipeline_->count(is_broken), 1);
  // Nor for anybody else: a run that cannot be opened says so too.
  video_->send(session_event(22));
  for (const Packet& packet : other_.packets)
    if (packet.kind == codec::Kind::video &&
        video_->try_push(packet, other_.video->timescale, 9000) != GST_FLOW_OK)
      break;
  EXPECT_TRUE(eventually([this] {
    video_->send(gst_event_new_gap(0, 1));
    return pipeline_->count(is_broken) == 2;
  }));
  EXPECT_EQ(pipeline_->count(Pipeline::is_element("headgate-archive", "state", "lost")), 2);
  pipeline_->stop();
}

// The element's error, before which its message says that nothing is recorded.
std::string failure_of(Pipeline& pipeline) {
  pipeline.play();
  const auto error = pipeline.wait(Pipeline::is_type(GST_MESSAGE_ERROR));
  if (!error) return "";
  GError* raw = nullptr;
  gst_message_parse_error(error.get(), &raw, nullptr);
  const std::string text = raw->message;
  g_error_free(raw);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-archive", "state", "lost")), 1);
  // Whatever the errno: it is no reason not to use the volume for others.
  EXPECT_EQ(pipeline.count(is_broken), 0);
  EXPECT_EQ(pipeline.count(Pipeline::is_element("headgate-archive", "state", "recording")), 0);
  pipeline.stop();
  return text;
}

TEST_F(Archiver, AFullDiskIsAnErrorWhereNoRunIsOpen) {
  Pipeline pipeline(archiver("min-free=18446744073000000000") + kVideo);
  EXPECT_NE(failure_of(pipeline).find("disk is full"), std::string::npos);
  EXPECT_TRUE(media().empty());
  EXPECT_EQ(runs(), 0u);
}

TEST_F(Archiver, ADamagedVolumeIsAnError) {
  const std::string event = scratch_.path() + "/lta/5";
  std::filesystem::create_directories(event);
  std::ofstream(event + "/VOLUME.json") << "garbage";
  Pipeline pipeline(archiver() + kVideo + kAudio);
  EXPECT_NE(failure_of(pipeline).find("VOLUME.json"), std::string::npos);
  EXPECT_EQ(runs(), 0u);
}

}  // namespace
}  // namespace headgate::test
