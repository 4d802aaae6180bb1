// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-abrhlssink
 * @title: abrhlssink
 *
 * Serves a live stream as HLS: takes encoded video and audio and packs it in CMAF segments, or takes the
 * records of a segmentarchiver whose files are such segments already. It keeps the stream's index; with
 * #abrhlssink:location it writes `index.m3u8` and a media playlist for each rendition, whose segments are
 * byte ranges of the media files, and each time replaces them whole. What was sent is passed on as it is:
 * H.264, H.265, AV1, VP9 and AAC, Opus, AC-3, E-AC-3, FLAC, in the form in which MP4 stores them
 * (`h264parse`, `h265parse`, `av1parse` make it). CODECS tells a player what it gets.
 *
 * With #abrhlssink:rungs it makes a ladder: decodes once, scales, and encodes
 * each rung with key frames where the source's segments begin, so that players change between them without a
 * seam.
 *
 * Of raw pictures and sound (`raw_video`, `raw_audio`) only the ladder is made.
 *
 * What was added to the index is told by element messages `headgate-records` (docs/elements.md), for
 * applications that serve the stream themselves.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e abrhlssink name=hls location=/tmp/hls \
 *   videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=60 ! h264parse ! hls.video \
 *   audiotestsrc is-live=true ! avenc_aac ! aacparse ! hls.audio_0
 * ]|
 * Makes /tmp/hls playable by any HLS player over any web server.
 * |[
 * gst-launch-1.0 -e abrhlssink name=hls location=/tmp/hls rungs=720p@2500k,480p@1200k,360p@600k,audio@64k \
 *   filesrc location=film.mp4 ! qtdemux name=film \
 *   film.video_0 ! queue ! h264parse ! hls.video   film.audio_0 ! queue ! aacparse ! hls.audio_0
 * ]|
 * Makes a ladder of a file.
 * |[
 * gst-launch-1.0 -e abrhlssink name=hls location=/tmp/hls rungs=720p@2500k,360p@600k,audio@64k loudness=-23 \
 *   v4l2src ! videoconvert ! hls.raw_video   pulsesrc ! hls.raw_audio
 * ]|
 * Makes one of a camera, with the sound at the loudness of EBU R128.
 */
#include "gstabrhlssink.h"

#include "common/names.h"
#include "common/settings.h"
#include "common/trampoline.h"
#include "sink.h"

GST_DEBUG_CATEGORY(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

using namespace headgate::gst;
using namespace headgate::abrhlssink;

struct _GstAbrHlsSink {
  GstElement parent;
  Sink* sink;
};

G_DEFINE_TYPE(GstAbrHlsSink, gst_abr_hls_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(abrhlssink, "abrhlssink", GST_RANK_NONE, GST_TYPE_ABR_HLS_SINK,
                                      GST_DEBUG_CATEGORY_INIT(abr_hls_sink_debug, "abrhlssink", 0,
                                                              "abrhlssink element"))

namespace {

Sink& sink_of(void* object) {
  return *GST_ABR_HLS_SINK(object)->sink;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name, const GstCaps*) {
  return sink_of(element).request_pad(templ, name);
}

void release_pad(GstElement* element, GstPad* pad) {
  sink_of(element).release_pad(pad);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  Sink& sink = sink_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !sink.start()) {
    sink.clear();
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) sink.stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) sink.clear();  // the pads' threads have ended
  return result;
}

gboolean query(GstElement* element, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) return sink_of(element).query_latency(query);
  return GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->query(element, query);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  if (gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_UPSTREAM)
    return sink_of(element).send_upstream(event);
  return GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->send_event(element, event);
}

void want_rendition(GstElement* element, const gchar* rendition) {
  if (const auto ladder = sink_of(element).ladder(); ladder && rendition) ladder->ask(rendition);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Sink& sink = sink_of(object);
  bool known = false;
  {
    ObjectLock lock(object);
    known = set_setting(sink.settings, id, value);
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  if (id != kActiveRungs) return;
  if (const auto ladder = sink.ladder())
    ladder->ladder().activate(active_rungs(copy_settings(object, sink.settings).active_rungs));
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Sink& sink = sink_of(object);
  if (id == kStats) {
    const auto ladder = sink.ladder();
    return g_value_take_boxed(value, ladder ? ladder->stats() : gst_structure_new_empty("ladder"));
  }
  ObjectLock lock(object);
  if (!get_setting(sink.settings, id, value)) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void finalize(GObject* object) {
  delete GST_ABR_HLS_SINK(object)->sink;
  G_OBJECT_CLASS(gst_abr_hls_sink_parent_class)->finalize(object);
}

}  // namespace

static void gst_abr_hls_sink_class_init(GstAbrHlsSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = trampoline<set_property>;
  object_class->get_property = trampoline<get_property>;
  object_class->finalize = trampoline<finalize>;
  element_class->request_new_pad = (trampoline<request_new_pad, nullptr>);
  element_class->release_pad = trampoline<release_pad>;
  element_class->change_state = (trampoline<change_state, GST_STATE_CHANGE_FAILURE>);
  element_class->query = (trampoline<query, FALSE>);
  element_class->send_event = (trampoline<send_event, FALSE>);
  install_properties(object_class);
  /**
   * abrhlssink::want-rendition:
   * @rendition: its name
   *
   * Somebody asks for this rendition; with `on-demand` it is encoded until nobody has for `idle-timeout`.
   */
  g_signal_new_class_handler(kWantRenditionName, G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK((trampoline<want_rendition>)), nullptr, nullptr, nullptr, G_TYPE_NONE,
                             1, G_TYPE_STRING);
  Sink::add_templates(element_class);
  gst_element_class_set_static_metadata(
      element_class, "HLS sink", "Sink/Network/Muxer",
      "Serves a live stream as HLS in CMAF segments, with a ladder of renditions", "Headgate developers");
}

static void gst_abr_hls_sink_init(GstAbrHlsSink* self) {
  GstElement* element = GST_ELEMENT_CAST(self);
  self->sink = new Sink(element);
  GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SINK);
}
