// SPDX-License-Identifier: LGPL-2.1-or-later
// A probe that looks at the content of a real encoder's stream.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "plugin_test.h"

namespace headgate::healthprobe {

// `run`: runs the pipeline until a message of the probe satisfies `enough`, or to its end. The last message's
// first stream.
class Content : public testing::Test {
 protected:
  gst::StructurePtr run(const std::string& source, const std::function<bool(const GstStructure*)>& enough,
                        const std::string& properties = "") {
    GError* error = nullptr;
    const auto pipeline = gst::Ref<GstElement>::adopt(gst_parse_launch(
        (source + " ! healthprobe name=p interval=100000000 content-interval=100000000 content-budget=1000 " +
         properties + " ! fakesink sync=true")
            .c_str(),
        &error));
    EXPECT_FALSE(error) << error->message;
    const auto bus = gst::Ref<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    gst::StructurePtr last;
    for (;;) {
      const auto message = gst::Ref<GstMessage>::adopt(gst_bus_timed_pop_filtered(
          bus.get(), 60 * GST_SECOND,
          static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
      if (!message || GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ELEMENT) {
        EXPECT_TRUE(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS);
        break;
      }
      const GstStructure* health = gst_message_get_structure(message.get());
      if (!gst_structure_has_name(health, "headgate-health")) continue;
      const GValue* streams = gst_structure_get_value(health, "streams");
      if (gst_value_array_get_size(streams) == 0) continue;
      const auto* stream =
          static_cast<const GstStructure*>(g_value_get_boxed(gst_value_array_get_value(streams, 0)));
      last.reset(gst_structure_copy(stream));
      if (enough(stream)) break;
    }
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
    return last;
  }
  static bool is(const GstStructure* stream, const char* name) {
    gboolean value = FALSE;
    return stream && gst_structure_get_boolean(stream, name, &value) && value;
  }
  static uint64_t number(const GstStructure* stream, const char* name) {
    guint64 value = 0;
    if (stream) gst_structure_get_uint64(stream, name, &value);
    return value;
  }
  static std::string picture(const std::string& pattern) {
    return "videotestsrc num-buffers=1500 pattern=" + pattern +
           " ! video/x-raw,width=320,height=240,framerate=25/1 ! x264enc tune=zerolatency "
           "speed-preset=veryfast key-int-max=5 ! h264parse ! "
           "video/x-h264,stream-format=avc,alignment=au";
  }
  static std::string sound(const std::string& what) {
    return "audiotestsrc num-buffers=3000 " + what +
           " ! audioconvert ! avenc_aac ! aacparse ! audio/mpeg,stream-format=raw";
  }
};

}  // namespace headgate::healthprobe
