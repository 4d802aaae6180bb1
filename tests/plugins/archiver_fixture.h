// SPDX-License-Identifier: LGPL-2.1-or-later
// segmentarchiver in a pipeline, and frames for it that a test pushes by hand.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media_file.h"
#include "plugin_test.h"

namespace headgate::test {

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
void expect_plays(const std::vector<std::string>& files);

// A message that nothing is recorded because the volume is broken.
bool is_broken(GstMessage* message);

// Of event 6.
GstEvent* session_event(unsigned station);
GstEvent* session_end_event(const char* reason);

// Frames of a real encoder, pushed by the test's own thread, in the order and with the events that a test
// wants. Such a source is taken as live.
class ByHand : public Archiver {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void start(bool video, bool audio);
  void TearDown() override;

  // A source pad linked to a requested one.
  class Pad {
   public:
    Pad(GstElement* archiver, const char* name, const codec::Track& track);
    ~Pad();
    void send(GstEvent* event) { EXPECT_TRUE(try_send(event)); }
    bool try_send(GstEvent* event) { return gst_pad_push_event(pad_.get(), event); }
    void caps(const codec::Track& track);
    void segment();
    void push(const Packet& packet, uint64_t timescale, int64_t offset_ms) {
      ASSERT_EQ(try_push(packet, timescale, offset_ms), GST_FLOW_OK);
    }
    GstFlowReturn try_push(const Packet& packet, uint64_t timescale, int64_t offset_ms);

   private:
    gst::Ref<GstPad> pad_, sink_;
  };

  struct Pushed {
    size_t video = 0, audio = 0;
    Pushed& operator+=(const Pushed& other) {
      video += other.video, audio += other.audio;
      return *this;
    }
  };
  // The file's packets with a decode time in [from, to) ms, moved by `offset` ms, to the pads that there are.
  Pushed push(const MediaFile& media, int64_t from, int64_t to, int64_t offset = 0, bool audio = true);
  void send_all(GstEvent* event);  // to the pads that there are
  void finish();                   // EOS, and what comes of it
  void expect_archived(const Pushed& pushed);
  // Something was: a run is opened beside the sources, and written when it is there.
  bool written() {
    return eventually([this] { return stat("frames") > 0; });
  }
  uint64_t stat(const char* field);

  static inline MediaFile media_, other_;  // 6 s of 160x120 with audio, 3 s of 320x240; both begin at 1 s
  std::string properties_;                 // of the archiver that start() makes
  std::unique_ptr<Pipeline> pipeline_;
  gst::Ref<GstElement> archiver_;
  std::optional<Pad> video_, audio_;
};

}  // namespace headgate::test
