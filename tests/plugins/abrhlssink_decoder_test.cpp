// SPDX-License-Identifier: LGPL-2.1-or-later
// A ladder whose decoder fails.
#include <gst/gst.h>

#include <atomic>

#include "ladder_fixture.h"

namespace headgate::test {
namespace {

std::atomic<int> pictures_of{0};

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-h264"));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

void add_ghost(GstElement* bin, GstElement* of, const char* name) {
  GstPad* const pad = gst_element_get_static_pad(of, name);
  gst_element_add_pad(bin, gst_ghost_pad_new(name, pad));
  gst_object_unref(pad);
}

void init(GTypeInstance* instance, gpointer) {
  GstElement* const decoder = gst_element_factory_make("avdec_h264", nullptr);
  GstElement* const breaks = gst_element_factory_make("identity", nullptr);
  g_object_set(breaks, "error-after", pictures_of.load(), nullptr);
  g_object_set(decoder, "max-threads", 1, nullptr);  // those hold pictures back
  gst_bin_add_many(GST_BIN(instance), decoder, breaks, nullptr);
  gst_element_link(decoder, breaks);
  add_ghost(GST_ELEMENT(instance), decoder, "sink");
  add_ghost(GST_ELEMENT(instance), breaks, "src");
}

void class_init(gpointer klass, gpointer) {
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &sink_template);
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &src_template);
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Breaking decoder", "Codec/Decoder/Video",
                                        "Fails after some pictures", "Headgate developers");
}

// While it lives there is no better decoder of H.264, and it fails after so many pictures.
class BreakingDecoder {
 public:
  explicit BreakingDecoder(int pictures) {
    pictures_of = pictures;
    static const GType type =
        g_type_register_static_simple(GST_TYPE_BIN, "HeadgateBreakingDecoder", sizeof(GstBinClass),
                                      class_init, sizeof(GstBin), init, static_cast<GTypeFlags>(0));
    gst_element_register(nullptr, kName, GST_RANK_PRIMARY + 1000, type);
  }
  ~BreakingDecoder() {
    GstPluginFeature* const feature = gst_registry_lookup_feature(gst_registry_get(), kName);
    if (!feature) return;
    gst_registry_remove_feature(gst_registry_get(), feature);
    gst_object_unref(feature);
  }
  BreakingDecoder(const BreakingDecoder&) = delete;

 private:
  static constexpr char kName[] = "breakingh264dec";
};

class BrokenSource : public AbrLadder {
 protected:
  // Segments of a second, and a key frame with each.
  std::string line(int pictures) const {
    return "abrhlssink name=hls playlist-length=0 rungs=144p@120k encoder-threads=1 "
           "segment-duration=1000000000 location=" +
           scratch_.path() + " videotestsrc num-buffers=" + std::to_string(pictures) +
           " ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! x264enc key-int-max=25 "
           "speed-preset=ultrafast ! h264parse ! hls.video";
  }
  static int failures(Pipeline& pipeline, const std::string& reason) {
    return pipeline.count([&](GstMessage* message) {
      return gst_message_has_name(message, "headgate-ladder") &&
             text_field(message, "reason").find(reason) != std::string::npos;
    });
  }
};

TEST_F(BrokenSource, IsLeftWhenItsDecoderFailsWithEachKeyFrame) {
  const BreakingDecoder decoder(5);
  Pipeline pipeline(line(500));
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_EQ(failures(pipeline, "is started again"), 4);
  EXPECT_EQ(failures(pipeline, "5 times in a row"), 1);
  EXPECT_EQ(durations(playlist("media")).size(), 20u);
  const auto told = only<playlist::RenditionRecord>(records_of(pipeline, "144p"));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().state, playlist::RenditionState::paused);
  pipeline.stop();
}

TEST_F(BrokenSource, IsDecodedAgainAfterEachFailureNowAndThen) {
  const BreakingDecoder decoder(60);
  Pipeline pipeline(line(700));
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_GT(failures(pipeline, "is started again"), 5);
  EXPECT_EQ(failures(pipeline, "times in a row"), 0);
  pipeline.stop();
}

}  // namespace
}  // namespace headgate::test
