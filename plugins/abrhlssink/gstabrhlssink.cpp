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
 * With #abrhlssink:rungs it makes a ladder: decodes once, scales each rung from the next larger one, encodes
 * each with key frames where the source's segments begin, so that players change between them without a seam.
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
 */
#include "gstabrhlssink.h"

#include <chrono>
#include <cstring>
#include <mutex>

#include <base/io.h>

#include "bus.h"
#include "common/encoded_input.h"
#include "common/mapped_buffer.h"
#include "common/settings.h"
#include "common/trampoline.h"
#include "folder.h"
#include "ladder_input.h"
#include "properties.h"

GST_DEBUG_CATEGORY(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

using namespace headgate;
using namespace headgate::gst;
using namespace headgate::abrhlssink;

namespace {

// At the end, a rendition's media waits so long for its run to be opened.
constexpr std::chrono::seconds kOpenWait{10};
// Own media is cut into files of this length, so that what left the window can go in small steps.
constexpr int64_t kFileMs = 60'000;

struct State {
  Settings settings;                    // object lock
  std::unique_ptr<EncodedInput> input;  // encoded pads
  GstPad* records = nullptr;            // or this one, or with `rungs` both; object lock
  // With `rungs`, from READY → PAUSED and back: changed with the mutex while nothing streams, so that
  // streaming threads read it without.
  std::shared_ptr<LadderInput> ladder;
  std::mutex mutex;                // below; a leaf
  std::unique_ptr<Folder> folder;  // READY → PAUSED and back
  bool failing = false;            // playlists cannot be written: warned
  unsigned ends = 0;               // of records and of encoded pads that are still to come
};

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

// Adds a rendition's records to its index (no name: the source), writes playlists, tells the application. A
// failure is told once until it is over.
void take_records(GstElement* element, State& state, const std::string& rendition,
                  const std::vector<playlist::Record>& records, bool ended) {
  Result<void> result;
  bool tell = false;
  {
    std::lock_guard lock(state.mutex);
    if (!state.folder) return;
    for (const auto& record : records)
      if (auto added = state.folder->add(rendition, record); !added) result = Unexpected(added.error());
    if (auto published = state.folder->publish(ended); !published) result = Unexpected(published.error());
    tell = !result && !state.failing;
    state.failing = !result;
  }
  if (tell) warn(element, result.error());
  post_records(element, rendition, records);
}

// Of the source; the ladder's renditions follow it.
void take_source(GstElement* element, State& state, const std::vector<playlist::Record>& records) {
  if (records.empty()) return;
  take_records(element, state, "", records, false);
  if (state.ladder) state.ladder->source_records(records);
}

void take_renditions(GstElement* element, State& state, std::vector<Renditions::Out>&& outs) {
  for (const Renditions::Out& out : outs) {
    if (!out.error.empty()) warn(element, {0, out.rendition + ": " + out.error});
    if (!out.records.empty()) take_records(element, state, out.rendition, out.records, false);
  }
}

// What the encoded pads' recorder gave.
void deliver(GstElement* element, State& state, std::vector<Output>&& outputs) {
  std::vector<playlist::Record> records;
  for (Output& output : outputs) {
    if (auto* record = std::get_if<playlist::Record>(&output)) {
      records.push_back(std::move(*record));
      continue;
    }
    if (const auto* time = std::get_if<store::StreamTime>(&output)) {
      take_source(element, state, std::exchange(records, {}));
      if (state.ladder) state.ladder->source_time(*time);
      continue;
    }
    const Notice& notice = std::get<Notice>(output);
    if (notice.kind == Notice::Kind::lost) warn(element, {notice.code, notice.text});
    if (notice.kind == Notice::Kind::failed)
      GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", notice.text.c_str()), (nullptr));
    if (notice.kind == Notice::Kind::refused)
      GST_WARNING_OBJECT(element, "frame left out: %s", notice.text.c_str());
  }
  take_source(element, state, records);
}

void finish(GstElement* element, State& state) {
  take_records(element, state, "", {}, true);
  gst_element_post_message(element, gst_message_new_eos(GST_OBJECT_CAST(element)));
}

std::shared_ptr<LadderInput> ladder_of(State& state) {
  std::lock_guard lock(state.mutex);
  return state.ladder;
}

// On a thread of GStreamer's, which may wait.
void finish_later(GstElement* element, gpointer) {
  State& state = state_of(element);
  const auto ladder = ladder_of(state);
  if (ladder && ladder->ladder().renditions().settle(kOpenWait)) finish(element, state);
}

// A rung's run may still be on its way to be opened: the stream was short, or the disk is slow.
void end_all(GstElement* element, State& state) {
  Renditions& renditions = state.ladder->ladder().renditions();
  renditions.advance();
  if (renditions.settled()) return finish(element, state);
  gst_element_call_async(element, trampoline<finish_later>, nullptr, nullptr);
}

// A rendition's run was opened.
void on_opened(GstElement* element, gpointer) {
  if (const auto ladder = ladder_of(state_of(element))) ladder->ladder().renditions().advance();
}

// The end of records, or of the encoded pads; the last one of them is the element's, once encoders have given
// what they have.
void end_one(GstElement* element, State& state) {
  {
    std::lock_guard lock(state.mutex);
    if (state.ends > 0 && --state.ends > 0) return;
  }
  if (!state.ladder) return finish(element, state);
  state.ladder->when_drained([element, &state] { end_all(element, state); });
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
  take_source(GST_ELEMENT_CAST(parent), state_of(parent), records);
  return GST_FLOW_OK;
}

GstFlowReturn records_chain_list(GstPad* pad, GstObject* parent, GstBufferList* list) {
  const Ref<GstBufferList> owned = Ref<GstBufferList>::adopt(list);
  std::vector<playlist::Record> records;
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    decode_into(pad, gst_buffer_list_get(list, i), records);
  take_source(GST_ELEMENT_CAST(parent), state_of(parent), records);
  return GST_FLOW_OK;
}

gboolean records_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  State& state = state_of(parent);
  if (state.ladder && gst_event_has_name(event, kTimelineName)) {
    const GstStructure* fields = gst_event_get_structure(event);
    gint64 base = 0, shift = 0;
    if (gst_structure_get_int64(fields, "base", &base) && gst_structure_get_int64(fields, "shift", &shift))
      state.ladder->source_time({base, shift});
  }
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return gst_pad_event_default(pad, parent, event);
  const Ref<GstEvent> owned = Ref<GstEvent>::adopt(event);
  end_one(GST_ELEMENT_CAST(parent), state);
  return TRUE;
}

// With `rungs`, the source's frames come on encoded pads beside the records that tell where they were
// written.
bool has_rungs(GstElement* element, State& state) {
  return !copy_settings(element, state.settings).rungs.empty();
}

GstPad* request_records_pad(GstElement* element, State& state, GstPadTemplate* templ) {
  if (state.records || (state.input->has_pads() && !has_rungs(element, state))) {
    GST_WARNING_OBJECT(element, "records come from one pad, and beside encoded pads only with rungs");
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
  if (state.records && !has_rungs(element, state)) {
    GST_WARNING_OBJECT(element, "encoded pads can be had beside records only with rungs");
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
  result.packager.max_segment_ms = static_cast<int64_t>(settings.longest_segment_ns() / GST_MSECOND);
  result.fallback.claim = "unverified";
  return result;
}

Result<void> start_ladder(GstElement* element, State& state, const Settings& settings, bool own_media) {
  auto rungs = ladder::parse_rungs(settings.rungs);
  if (!rungs) return Unexpected(rungs.error());
  // Without the source's frames they are read from its files, where `root` says that these are.
  const bool from_files = !state.input->has_pads() && state.records && !settings.root.empty();
  if (rungs->empty() || !(state.input->has_pads() || from_files)) return {};
  LadderSettings ladder;
  ladder.rungs = std::move(rungs).value();
  ladder.encoder = settings.encoder;
  ladder.renditions.root = settings.root.empty() ? settings.location : settings.root;
  ladder.renditions.node = settings.node;
  ladder.renditions.keep_ms = own_media ? 0 : static_cast<int64_t>(settings.keep_ns / GST_MSECOND);
  ladder.idle_ns = settings.on_demand ? static_cast<int64_t>(settings.idle_ns) : 0;
  ladder.packager = recorder_settings(settings).packager;
  ladder.pictures = !own_media && settings.location.empty();
  ladder.pass_audio = own_media && state.input->has_pad(codec::Kind::video);
  if (ladder.renditions.root.empty())
    return Unexpected("rungs need a folder: set the property location, or root beside records");
  // The store's thread opens runs for others, too: what comes of it is written on another.
  const auto wake = [weak = std::make_shared<WeakElement>(element)] {
    if (const Ref<GstElement> held = weak->get())
      gst_element_call_async(held.get(), trampoline<on_opened>, nullptr, nullptr);
  };
  auto made = std::make_shared<LadderInput>(
      element, std::move(ladder),
      [element, &state](std::vector<Renditions::Out>&& outs) {
        take_renditions(element, state, std::move(outs));
      },
      wake);
  if (from_files) made->read_from(settings.root);
  made->ladder().activate(active_rungs(settings.active_rungs));
  std::lock_guard lock(state.mutex);
  state.ladder = std::move(made);
  return {};
}

// What the recorder of the encoded pads needs where records say what was written: nothing is, but its volume
// has to lie somewhere.
RecorderSettings idle_recorder_settings(const Settings& settings) {
  RecorderSettings result = recorder_settings(settings);
  result.volume.root =
      (settings.root.empty() ? settings.location : settings.root) + "/" + store::kDerivedFolder;
  return result;
}

bool start(GstElement* element, State& state) {
  const Settings settings = copy_settings(element, state.settings);
  const bool own_media = state.input->has_pads() && !state.records;
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
  if (auto started = start_ladder(element, state, settings, own_media); !started) {
    GST_ELEMENT_ERROR(element, LIBRARY, SETTINGS, ("%s", started.error().message.c_str()), (nullptr));
    return false;
  }
  {
    FolderSettings folder{.publish = {.location = settings.location,
                                      .uri_prefix = settings.uri_prefix,
                                      .media_name = "media.m3u8",
                                      .window_ms = static_cast<int64_t>(settings.playlist_ns / GST_MSECOND),
                                      .own_media = own_media},
                          .audio = own_media ? kPassedAudio : "",
                          .own_renditions = !settings.location.empty() && settings.root.empty()};
    std::lock_guard lock(state.mutex);
    state.folder = std::make_unique<Folder>(std::move(folder));
    state.failing = false;
    state.ends = (state.records ? 1 : 0) + (state.input->has_pads() ? 1 : 0);
  }
  if (!state.input->has_pads()) return true;
  Recorded recorded;
  if (state.records) recorded = {false, false};
  if (state.ladder && own_media && state.input->has_pad(codec::Kind::video)) recorded.audio = false;
  auto started =
      state.input->start(own_media ? recorder_settings(settings) : idle_recorder_settings(settings),
                         state.ladder.get(), recorded);
  if (!started) {
    GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", started.error().message.c_str()), (nullptr));
    return false;
  }
  return true;
}

// Encoders give no more once streaming threads stand still; what the renditions have is told before their
// indexes go.
void stop(State& state) {
  if (state.ladder) state.ladder->release();
  state.input->stop();
}

// Not with the mutex: what it gives last takes that.
void drop_ladder(State& state) {
  std::shared_ptr<LadderInput> ladder;
  {
    std::lock_guard lock(state.mutex);
    ladder = state.ladder;
  }
  if (ladder) ladder->stop();
  std::lock_guard lock(state.mutex);
  state.ladder.reset();
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  State& state = state_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(element, state)) {
    drop_ladder(state);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) stop(state);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_abr_hls_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    drop_ladder(state);  // the pads' threads have ended
    std::lock_guard lock(state.mutex);
    state.folder.reset();
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

void activate(GObject* object, State& state) {
  if (const auto ladder = ladder_of(state))
    ladder->ladder().activate(active_rungs(copy_settings(object, state.settings).active_rungs));
}

void want_rendition(GstElement* element, const gchar* rendition) {
  if (const auto ladder = ladder_of(state_of(element)); ladder && rendition) ladder->ask(rendition);
}

void read_stats(State& state, GValue* value) {
  const auto ladder = ladder_of(state);
  g_value_take_boxed(value, ladder ? ladder->stats() : gst_structure_new_empty("ladder"));
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  bool known = false;
  {
    ObjectLock lock(object);
    known = set_setting(state.settings, id, value);
  }
  if (!known) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  if (id == kActiveRungs) activate(object, state);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id == kStats) return read_stats(state, value);
  ObjectLock lock(object);
  if (!get_setting(state.settings, id, value)) G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void finalize(GObject* object) {
  delete GST_ABR_HLS_SINK(object)->state;
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
  EncodedInput::add_templates(element_class);
  gst_element_class_add_static_pad_template(element_class, &records_template);
  gst_element_class_set_static_metadata(
      element_class, "HLS sink", "Sink/Network/Muxer",
      "Serves a live stream as HLS in CMAF segments, with a ladder of renditions", "Headgate developers");
}

static void gst_abr_hls_sink_init(GstAbrHlsSink* self) {
  GstElement* element = GST_ELEMENT_CAST(self);
  self->state = new State;
  State& state = *self->state;
  state.input = std::make_unique<EncodedInput>(
      element,
      [element, &state](std::vector<Output>&& outputs) { deliver(element, state, std::move(outputs)); },
      [element, &state] { end_one(element, state); });
  GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SINK);
}
