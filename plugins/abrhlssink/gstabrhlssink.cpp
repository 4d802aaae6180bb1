// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-abrhlssink
 * @title: abrhlssink
 *
 * Serves a live stream as HLS: takes encoded video and audio and packs it in CMAF segments, or takes the
 * records of a segmentarchiver whose files are such segments already. It keeps the stream's index; with
 * #abrhlssink:location it writes `index.m3u8` and `media.m3u8`, whose segments are byte ranges of the media
 * files, and each time replaces them whole. One rendition, as sent: H.264, H.265, AV1, VP9 and AAC, Opus,
 * AC-3, E-AC-3, FLAC, in the form in which MP4 stores them (`h264parse`, `h265parse`, `av1parse` make it).
 * CODECS tells a player what it gets.
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
 */
#include "gstabrhlssink.h"

#include <cerrno>
#include <cstring>
#include <mutex>

#include <base/io.h>

#include "common/encoded_input.h"
#include "common/mapped_buffer.h"
#include "common/settings.h"
#include "common/trampoline.h"
#include "publisher.h"

GST_DEBUG_CATEGORY_STATIC(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

using namespace headgate;
using namespace headgate::gst;
using namespace headgate::abrhlssink;

namespace {

struct Settings {
  std::string location, uri_prefix;
  uint64_t playlist_ns = 60 * GST_SECOND;
  uint64_t part_ns = 500 * GST_MSECOND, segment_ns = 2 * GST_SECOND;
};

// Own media is cut into files of this length, so that what left the window can go in small steps.
constexpr int64_t kFileMs = 60'000;

struct State {
  Settings settings;                     // object lock
  std::unique_ptr<EncodedInput> input;   // encoded pads
  GstPad* records = nullptr;             // or this one; object lock
  std::mutex mutex;                      // below; a leaf
  std::unique_ptr<Publisher> publisher;  // READY → PAUSED and back
  bool failing = false;                  // playlists cannot be written: warned
};

enum Property { kLocation = 1, kUriPrefix, kPlaylistLength, kPartDuration, kSegmentDuration };

GstStaticPadTemplate records_template =
    GST_STATIC_PAD_TEMPLATE("records", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(kRecordsCaps));

}  // namespace

struct _GstAbrHlsSink {
  GstElement parent;
  State* state;
};

G_DEFINE_TYPE(GstAbrHlsSink, gst_abr_hls_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(abrhlssink, "abrhlssink", GST_RANK_NONE, GST_TYPE_ABR_HLS_SINK,
                                      GST_DEBUG_CATEGORY_INIT(abr_hls_sink_debug, "abrhlssink", 0,
                                                              "abrhlssink element"))

namespace {

State& state_of(void* object) {
  return *GST_ABR_HLS_SINK(object)->state;
}

// Records of one streaming-thread call, as the message carries them.
class Batch {
 public:
  void add(const playlist::Record& record) {
    ByteVector encoded;
    playlist::encode(record, encoded);
    ByteWriter writer(bytes_);
    writer.u32(encoded.size());
    writer.bytes(encoded);
  }
  void post(GstElement* element) const {
    if (bytes_.empty()) return;
    const BytesPtr bytes(g_bytes_new(bytes_.data(), bytes_.size()));
    GstStructure* fields =
        gst_structure_new("headgate-records", "records", G_TYPE_BYTES, bytes.get(), nullptr);
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT_CAST(element), fields));
  }

 private:
  ByteVector bytes_;
};

void warn(GstElement* element, const Error& error) {
  if (error.code == ENOSPC)
    GST_ELEMENT_WARNING(element, RESOURCE, NO_SPACE_LEFT,
                        ("No space left for HLS. Make space; writing goes on by itself."),
                        ("%s", error.message.c_str()));
  else
    GST_ELEMENT_WARNING(element, RESOURCE, WRITE, ("%s", error.message.c_str()), (nullptr));
}

// Adds records to the index, writes playlists, tells the application. A failure is told once until it is
// over.
void take_records(GstElement* element, State& state, const std::vector<playlist::Record>& records,
                  bool ended) {
  Batch batch;
  Result<void> result;
  bool tell = false;
  {
    std::lock_guard lock(state.mutex);
    if (!state.publisher) return;
    for (const auto& record : records) {
      batch.add(record);
      if (auto added = state.publisher->add(record); !added) result = Unexpected(added.error());
    }
    if (auto published = state.publisher->publish(ended); !published) result = Unexpected(published.error());
    tell = !result && !state.failing;
    state.failing = !result;
  }
  if (tell) warn(element, result.error());
  batch.post(element);
}

// What the encoded pads' recorder gave.
void deliver(GstElement* element, State& state, std::vector<Output>&& outputs) {
  std::vector<playlist::Record> records;
  for (Output& output : outputs) {
    if (auto* record = std::get_if<playlist::Record>(&output)) {
      records.push_back(std::move(*record));
      continue;
    }
    if (!std::holds_alternative<Notice>(output)) continue;
    const Notice& notice = std::get<Notice>(output);
    if (notice.kind == Notice::Kind::lost) warn(element, {notice.code, notice.text});
    if (notice.kind == Notice::Kind::failed)
      GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", notice.text.c_str()), (nullptr));
    if (notice.kind == Notice::Kind::refused)
      GST_WARNING_OBJECT(element, "frame left out: %s", notice.text.c_str());
  }
  if (!records.empty()) take_records(element, state, records, false);
}

void finish(GstElement* element, State& state) {
  take_records(element, state, {}, true);
  gst_element_post_message(element, gst_message_new_eos(GST_OBJECT_CAST(element)));
}

void decode_into(GstPad* pad, GstBuffer* buffer, std::vector<playlist::Record>& records) {
  const MappedBuffer mapped(Ref<GstBuffer>::retain(buffer));
  auto record = playlist::decode(mapped.bytes());
  if (record)
    records.push_back(std::move(record).value());
  else
    GST_WARNING_OBJECT(pad, "record not understood: %s", record.error().message.c_str());
}

GstFlowReturn records_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  const Ref<GstBuffer> owned = Ref<GstBuffer>::adopt(buffer);
  std::vector<playlist::Record> records;
  decode_into(pad, buffer, records);
  take_records(GST_ELEMENT_CAST(parent), state_of(parent), records, false);
  return GST_FLOW_OK;
}

GstFlowReturn records_chain_list(GstPad* pad, GstObject* parent, GstBufferList* list) {
  const Ref<GstBufferList> owned = Ref<GstBufferList>::adopt(list);
  std::vector<playlist::Record> records;
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    decode_into(pad, gst_buffer_list_get(list, i), records);
  take_records(GST_ELEMENT_CAST(parent), state_of(parent), records, false);
  return GST_FLOW_OK;
}

gboolean records_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return gst_pad_event_default(pad, parent, event);
  const Ref<GstEvent> owned = Ref<GstEvent>::adopt(event);
  finish(GST_ELEMENT_CAST(parent), state_of(parent));
  return TRUE;
}

GstPad* request_records_pad(GstElement* element, State& state, GstPadTemplate* templ) {
  if (state.records || state.input->has_pads()) {
    GST_WARNING_OBJECT(element, "records come from one pad, and not beside encoded pads");
    return nullptr;
  }
  GstPad* pad = gst_pad_new_from_template(templ, "records");
  gst_pad_set_chain_function(pad, (trampoline<records_chain, GST_FLOW_ERROR>));
  gst_pad_set_chain_list_function(pad, (trampoline<records_chain_list, GST_FLOW_ERROR>));
  gst_pad_set_event_function(pad, (trampoline<records_event, FALSE>));
  if (GST_STATE(element) >= GST_STATE_PAUSED || GST_STATE_NEXT(element) >= GST_STATE_PAUSED)
    gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  state.records = pad;
  return pad;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name, const GstCaps*) {
  State& state = state_of(element);
  if (std::strcmp(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "records") == 0)
    return request_records_pad(element, state, templ);
  if (state.records) {
    GST_WARNING_OBJECT(element, "encoded pads cannot be had beside records");
    return nullptr;
  }
  return state.input->request_pad(templ, name);
}

void release_pad(GstElement* element, GstPad* pad) {
  State& state = state_of(element);
  if (pad != state.records) return state.input->release_pad(pad);
  gst_pad_set_active(pad, FALSE);
  state.records = nullptr;
  gst_element_remove_pad(element, pad);
}

RecorderSettings recorder_settings(const Settings& settings) {
  RecorderSettings result;
  result.volume.root = settings.location;
  result.volume.durable = false;
  result.volume.reserve_bytes = 0;
  result.run.file_ms = kFileMs;
  result.run.frame_index = false;
  result.packager.part_ms = static_cast<int64_t>(settings.part_ns / GST_MSECOND);
  result.packager.segment_ms = static_cast<int64_t>(settings.segment_ns / GST_MSECOND);
  result.packager.max_segment_ms = 2 * result.packager.segment_ms;
  result.fallback.claim = "unverified";
  return result;
}

bool start(GstElement* element, State& state) {
  const Settings settings = copy_settings(element, state.settings);
  const bool own_media = state.input->has_pads();
  if (settings.location.empty() && own_media) {
    GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND,
                      ("No folder for the media of the encoded pads: set the property location."), (nullptr));
    return false;
  }
  if (!settings.location.empty()) {
    if (auto made = make_directories(settings.location, 0755); !made) {
      GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", made.error().message.c_str()), (nullptr));
      return false;
    }
  }
  {
    PublishSettings publish{.location = settings.location,
                            .uri_prefix = settings.uri_prefix,
                            .window_ms = static_cast<int64_t>(settings.playlist_ns / GST_MSECOND),
                            .own_media = own_media};
    std::lock_guard lock(state.mutex);
    state.publisher = std::make_unique<Publisher>(std::move(publish));
    state.failing = false;
  }
  if (!own_media) return true;
  if (auto started = state.input->start(recorder_settings(settings)); !started) {
    GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", started.error().message.c_str()), (nullptr));
    return false;
  }
  return true;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  State& state = state_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(element, state))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) state.input->stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    std::lock_guard lock(state.mutex);
    state.publisher.reset();
  }
  return result;
}

gboolean query(GstElement* element, GstQuery* query) {
  State& state = state_of(element);
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->query(element, query);
  if (state.records) return gst_pad_peer_query(state.records, query);
  return state.input->query_latency(query);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  State& state = state_of(element);
  if (!(gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_UPSTREAM))
    return GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->send_event(element, event);
  if (state.records) return gst_pad_push_event(state.records, event);
  return state.input->send_upstream(event);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Settings& settings = state_of(object).settings;
  ObjectLock lock(object);
  switch (id) {
    case kLocation:
      settings.location = string_of(value);
      break;
    case kUriPrefix:
      settings.uri_prefix = string_of(value);
      break;
    case kPlaylistLength:
      settings.playlist_ns = g_value_get_uint64(value);
      break;
    case kPartDuration:
      settings.part_ns = g_value_get_uint64(value);
      break;
    case kSegmentDuration:
      settings.segment_ns = g_value_get_uint64(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const Settings& settings = state_of(object).settings;
  ObjectLock lock(object);
  switch (id) {
    case kLocation:
      set_string(value, settings.location);
      break;
    case kUriPrefix:
      set_string(value, settings.uri_prefix);
      break;
    case kPlaylistLength:
      g_value_set_uint64(value, settings.playlist_ns);
      break;
    case kPartDuration:
      g_value_set_uint64(value, settings.part_ns);
      break;
    case kSegmentDuration:
      g_value_set_uint64(value, settings.segment_ns);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete GST_ABR_HLS_SINK(object)->state;
  G_OBJECT_CLASS(gst_abr_hls_sink_parent_class)->finalize(object);
}

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  install(kLocation,
          g_param_spec_string("location", "Location",
                              "Folder for index.m3u8, media.m3u8 and the media of encoded pads. Not set: "
                              "nothing is written",
                              nullptr, kReadWrite));
  install(kUriPrefix,
          g_param_spec_string("uri-prefix", "URI prefix",
                              "Put before the names of media files in the playlist", nullptr, kReadWrite));
  install(kPlaylistLength,
          g_param_spec_uint64(
              "playlist-length", "Playlist length",
              "Length of the live playlist (ns); media of encoded pads is removed some time after "
              "it has left the playlist. 0: everything is listed and kept",
              0, 24 * 3600 * GST_SECOND, defaults.playlist_ns, kReadWrite));
  install(kPartDuration,
          g_param_spec_uint64("part-duration", "Part duration", "Target duration of a part (ns)",
                              100 * GST_MSECOND, 10 * GST_SECOND, defaults.part_ns, kReadWrite));
  install(kSegmentDuration,
          g_param_spec_uint64("segment-duration", "Segment duration",
                              "Shortest duration of a segment, which ends at the next key frame (ns)",
                              500 * GST_MSECOND, 30 * GST_SECOND, defaults.segment_ns, kReadWrite));
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
  EncodedInput::add_templates(element_class);
  gst_element_class_add_static_pad_template(element_class, &records_template);
  gst_element_class_set_static_metadata(element_class, "HLS sink", "Sink/Network/Muxer",
                                        "Serves a live stream as HLS in CMAF segments",
                                        "Headgate developers");
}

static void gst_abr_hls_sink_init(GstAbrHlsSink* self) {
  GstElement* element = GST_ELEMENT_CAST(self);
  self->state = new State;
  State& state = *self->state;
  state.input = std::make_unique<EncodedInput>(
      element,
      [element, &state](std::vector<Output>&& outputs) { deliver(element, state, std::move(outputs)); },
      [element, &state] { finish(element, state); });
  GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SINK);
}
