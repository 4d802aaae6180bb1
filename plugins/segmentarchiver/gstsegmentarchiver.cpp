// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-segmentarchiver
 * @title: segmentarchiver
 *
 * Writes encoded video and audio as fragmented MP4 files with a chain of hashes (docs/archive.md). The files
 * are at the same time the segments of an HLS stream: the source pad says where each part and segment lies,
 * one record per buffer. The pad may stay unlinked.
 *
 * A sticky `headgate-session` event starts a new run of the archive with the session's event and station;
 * streams without one are archived under the #segmentarchiver:event and #segmentarchiver:station properties.
 * H.264, H.265, AV1, VP9 and AAC, Opus, AC-3, E-AC-3, FLAC are taken, in the form in which MP4 stores them:
 * `h264parse`, `h265parse` and `av1parse` make it of what encoders and other demuxers have. A changed codec
 * configuration starts a new file. When the disk fills up during a run the element goes on
 * consuming, warns once, and goes on writing when there is space again. A stream for which no run can be
 * opened at all is an error: whoever sends should go elsewhere.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e videotestsrc is-live=true ! x264enc tune=zerolatency key-int-max=60 ! h264parse ! \
 *   archive.video audiotestsrc is-live=true ! avenc_aac ! aacparse ! archive.audio_0 \
 *   segmentarchiver name=archive root=/tmp/archive event=1 station=7
 * ]|
 * Archives a test picture and tone as station 7 of event 1.
 */
#include "gstsegmentarchiver.h"

#include <cerrno>

#include "common/encoded_input.h"
#include "common/settings.h"
#include "common/trampoline.h"

GST_DEBUG_CATEGORY_STATIC(segment_archiver_debug);
#define GST_CAT_DEFAULT segment_archiver_debug

using namespace headgate;
using namespace headgate::gst;

namespace {

struct Settings {
  std::string root, node = "n01", fill = "none";
  uint32_t event = 0, station = 0;
  uint64_t part_ns = 500 * GST_MSECOND, segment_ns = 2 * GST_SECOND, file_ns = 300 * GST_SECOND;
  uint64_t max_segment_ns = 4 * GST_SECOND;
  uint64_t min_free = 256ull << 20;
  uint64_t commit_ns = GST_SECOND;
  uint64_t open_ns = 10 * GST_SECOND;
};

struct State {
  Settings settings;  // object lock
  GstPad* src = nullptr;
  std::unique_ptr<EncodedInput> input;
  bool src_started = false;  // stream-start, caps and segment were pushed; only the delivering thread
};

enum Property {
  kRoot = 1,
  kNode,
  kEvent,
  kStation,
  kPartDuration,
  kSegmentDuration,
  kMaxSegmentDuration,
  kFileDuration,
  kMinFree,
  kCommitInterval,
  kOpenTimeout,
  kFill,
  kStats,
};

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(kRecordsCaps));

}  // namespace

struct _GstSegmentArchiver {
  GstElement parent;
  State* state;
};

G_DEFINE_TYPE(GstSegmentArchiver, gst_segment_archiver, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(segmentarchiver, "segmentarchiver", GST_RANK_NONE,
                                      GST_TYPE_SEGMENT_ARCHIVER,
                                      GST_DEBUG_CATEGORY_INIT(segment_archiver_debug, "segmentarchiver", 0,
                                                              "segmentarchiver element"))

namespace {

State& state_of(void* object) {
  return *GST_SEGMENT_ARCHIVER(object)->state;
}

RecorderSettings recorder_settings(const Settings& settings) {
  RecorderSettings result;
  result.volume.root = settings.root;
  result.volume.node = settings.node;
  result.volume.commit_ms = static_cast<int64_t>(settings.commit_ns / GST_MSECOND);
  result.volume.min_free_bytes = settings.min_free;
  result.open_us = static_cast<int64_t>(settings.open_ns / GST_USECOND);
  result.run.file_ms = static_cast<int64_t>(settings.file_ns / GST_MSECOND);
  result.packager.part_ms = static_cast<int64_t>(settings.part_ns / GST_MSECOND);
  result.packager.segment_ms = static_cast<int64_t>(settings.segment_ns / GST_MSECOND);
  result.packager.max_segment_ms = static_cast<int64_t>(settings.max_segment_ns / GST_MSECOND);
  result.fallback.event = settings.event;
  result.fallback.station = settings.station;
  result.fallback.claim = "unverified";
  return result;
}

void start_src(GstElement* element, State& state) {
  state.src_started = true;
  const CharPtr id(g_strdup_printf("%s/records/%08x", GST_ELEMENT_NAME(element), g_random_int()));
  gst_pad_push_event(state.src, gst_event_new_stream_start(id.get()));
  const Ref<GstCaps> caps = Ref<GstCaps>::adopt(gst_static_pad_template_get_caps(&src_template));
  gst_pad_push_event(state.src, gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(state.src, gst_event_new_segment(&segment));
}

void post_state(GstElement* element, const Notice& notice) {
  const bool recording = notice.kind == Notice::Kind::recording;
  GstStructure* fields =
      gst_structure_new("headgate-archive", "state", G_TYPE_STRING, recording ? "recording" : "lost",
                        "reason", G_TYPE_STRING, recording ? "" : notice.text.c_str(), "code", G_TYPE_INT,
                        notice.code, "broken", G_TYPE_BOOLEAN, notice.broken, nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT_CAST(element), fields));
}

void tell(GstElement* element, const Notice& notice) {
  const char* text = notice.text.c_str();
  const bool full = notice.code == ENOSPC;
  switch (notice.kind) {
    case Notice::Kind::refused:
      GST_WARNING_OBJECT(element, "frame not archived: %s", text);
      return;
    case Notice::Kind::recording:
      GST_INFO_OBJECT(element, "recording %s", text);
      return post_state(element, notice);
    case Notice::Kind::lost:
      post_state(element, notice);
      if (full)
        GST_ELEMENT_WARNING(
            element, RESOURCE, NO_SPACE_LEFT,
            ("The archive is full: media is not being recorded. Make space; recording goes on "
             "by itself."),
            ("%s", text));
      else
        GST_ELEMENT_WARNING(element, RESOURCE, WRITE, ("Media is not being recorded: %s", text), (nullptr));
      return;
    case Notice::Kind::failed:
      post_state(element, notice);
      if (full)
        GST_ELEMENT_ERROR(element, RESOURCE, NO_SPACE_LEFT, ("Not recorded: %s", text), (nullptr));
      else
        GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("Not recorded: %s", text), (nullptr));
  }
}

void push_records(GstElement* element, State& state, Ref<GstBufferList> list) {
  if (gst_buffer_list_length(list.get()) == 0 || !gst_pad_is_active(state.src)) return;
  if (!state.src_started) start_src(element, state);
  const GstFlowReturn flow = gst_pad_push_list(state.src, list.release());
  if (flow != GST_FLOW_OK && flow != GST_FLOW_NOT_LINKED && flow != GST_FLOW_FLUSHING)
    GST_WARNING_OBJECT(element, "records not taken downstream: %s", gst_flow_get_name(flow));
}

void push_timeline(GstElement* element, State& state, const store::StreamTime& time) {
  if (!gst_pad_is_active(state.src)) return;
  if (!state.src_started) start_src(element, state);
  GstStructure* fields = gst_structure_new(kTimelineName, "base", G_TYPE_INT64, gint64{time.base}, "shift",
                                           G_TYPE_INT64, gint64{time.shift_ns}, nullptr);
  gst_pad_push_event(state.src, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, fields));
}

// Records leave as one list per streaming-thread call; a run's timeline in front of what it is needed for.
void deliver(GstElement* element, State& state, std::vector<Output>&& outputs) {
  Ref<GstBufferList> list = Ref<GstBufferList>::adopt(gst_buffer_list_new());
  for (const Output& output : outputs) {
    if (const auto* notice = std::get_if<Notice>(&output)) {
      tell(element, *notice);
    } else if (const auto* time = std::get_if<store::StreamTime>(&output)) {
      push_records(element, state, std::exchange(list, Ref<GstBufferList>::adopt(gst_buffer_list_new())));
      push_timeline(element, state, *time);
    } else {
      ByteVector encoded;
      playlist::encode(std::get<playlist::Record>(output), encoded);
      gst_buffer_list_add(list.get(), gst_buffer_new_memdup(encoded.data(), encoded.size()));
    }
  }
  push_records(element, state, std::move(list));
}

void finish(GstElement* element, State& state) {
  if (!state.src_started) start_src(element, state);
  gst_pad_push_event(state.src, gst_event_new_eos());
  gst_element_post_message(element, gst_message_new_eos(GST_OBJECT_CAST(element)));
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ, const gchar* name, const GstCaps*) {
  return state_of(element).input->request_pad(templ, name);
}

void release_pad(GstElement* element, GstPad* pad) {
  state_of(element).input->release_pad(pad);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  State& state = state_of(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    const Settings settings = copy_settings(element, state.settings);
    if (settings.root.empty()) {
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("No archive root: set the property root."), (nullptr));
      return GST_STATE_CHANGE_FAILURE;
    }
    if (auto started = state.input->start(recorder_settings(settings)); !started) {
      GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("%s", started.error().message.c_str()), (nullptr));
      return GST_STATE_CHANGE_FAILURE;
    }
    state.src_started = false;
  }
  // The run ends while the source pad can still pass on its last records.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) state.input->stop();
  return GST_ELEMENT_CLASS(gst_segment_archiver_parent_class)->change_state(element, transition);
}

gboolean query(GstElement* element, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) return state_of(element).input->query_latency(query);
  return GST_ELEMENT_CLASS(gst_segment_archiver_parent_class)->query(element, query);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  if (gst_event_type_get_flags(GST_EVENT_TYPE(event)) & GST_EVENT_TYPE_UPSTREAM)
    return state_of(element).input->send_upstream(event);
  return GST_ELEMENT_CLASS(gst_segment_archiver_parent_class)->send_event(element, event);
}

void add_commits(GstStructure* fields, const store::CommitStats& commits) {
  GValue counts = G_VALUE_INIT;
  gst_value_array_init(&counts, commits.durations.counts.size());
  for (const uint64_t count : commits.durations.counts) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_UINT64);
    g_value_set_uint64(&value, count);
    gst_value_array_append_and_take_value(&counts, &value);
  }
  gst_structure_take_value(fields, "commits", &counts);
  gst_structure_set(fields, "commit-time-us", G_TYPE_INT64, gint64{commits.durations.sum_us}, "commit-lag-us",
                    G_TYPE_INT64, gint64{commits.lag_us}, nullptr);
}

GstStructure* stats_structure(const RecorderStats& stats) {
  GstStructure* fields = gst_structure_new(
      "headgate-archive-stats", "run", G_TYPE_STRING, stats.run.c_str(), "recording", G_TYPE_BOOLEAN,
      stats.recording, "parts", G_TYPE_UINT64, guint64{stats.parts}, "segments", G_TYPE_UINT64,
      guint64{stats.segments}, "bytes", G_TYPE_UINT64, guint64{stats.bytes}, "frames", G_TYPE_UINT64,
      guint64{stats.frames}, "dropped-frames", G_TYPE_UINT64, guint64{stats.dropped_frames}, nullptr);
  add_commits(fields, stats.commits);
  return fields;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Settings& settings = state_of(object).settings;
  ObjectLock lock(object);
  switch (id) {
    case kRoot:
      settings.root = string_of(value);
      break;
    case kNode:
      settings.node = string_of(value);
      break;
    case kEvent:
      settings.event = g_value_get_uint(value);
      break;
    case kStation:
      settings.station = g_value_get_uint(value);
      break;
    case kPartDuration:
      settings.part_ns = g_value_get_uint64(value);
      break;
    case kSegmentDuration:
      settings.segment_ns = g_value_get_uint64(value);
      break;
    case kMaxSegmentDuration:
      settings.max_segment_ns = g_value_get_uint64(value);
      break;
    case kFileDuration:
      settings.file_ns = g_value_get_uint64(value);
      break;
    case kMinFree:
      settings.min_free = g_value_get_uint64(value);
      break;
    case kCommitInterval:
      settings.commit_ns = g_value_get_uint64(value);
      break;
    case kOpenTimeout:
      settings.open_ns = g_value_get_uint64(value);
      break;
    case kFill:
      settings.fill = string_of(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id == kStats) {
    g_value_take_boxed(value, stats_structure(state.input->stats()));
    return;
  }
  ObjectLock lock(object);
  const Settings& settings = state.settings;
  switch (id) {
    case kRoot:
      set_string(value, settings.root);
      break;
    case kNode:
      set_string(value, settings.node);
      break;
    case kEvent:
      g_value_set_uint(value, settings.event);
      break;
    case kStation:
      g_value_set_uint(value, settings.station);
      break;
    case kPartDuration:
      g_value_set_uint64(value, settings.part_ns);
      break;
    case kSegmentDuration:
      g_value_set_uint64(value, settings.segment_ns);
      break;
    case kMaxSegmentDuration:
      g_value_set_uint64(value, settings.max_segment_ns);
      break;
    case kFileDuration:
      g_value_set_uint64(value, settings.file_ns);
      break;
    case kMinFree:
      g_value_set_uint64(value, settings.min_free);
      break;
    case kCommitInterval:
      g_value_set_uint64(value, settings.commit_ns);
      break;
    case kOpenTimeout:
      g_value_set_uint64(value, settings.open_ns);
      break;
    case kFill:
      set_string(value, settings.fill);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete GST_SEGMENT_ARCHIVER(object)->state;
  G_OBJECT_CLASS(gst_segment_archiver_parent_class)->finalize(object);
}

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  install(kRoot, g_param_spec_string("root", "Root",
                                     "Folder of the archive; runs are written under <root>/lta/<event>/",
                                     nullptr, kReadWrite));
  install(kNode, g_param_spec_string("node", "Node", "Name of this node in the names of runs: a-z, 0-9 and -",
                                     defaults.node.c_str(), kReadWrite));
  install(kEvent, g_param_spec_uint("event", "Event", "Event of a stream that comes without a session event",
                                    0, G_MAXUINT32, defaults.event, kReadWrite));
  install(kStation,
          g_param_spec_uint("station", "Station", "Station of a stream that comes without a session event", 0,
                            G_MAXUINT32, defaults.station, kReadWrite));
  install(kPartDuration,
          g_param_spec_uint64("part-duration", "Part duration", "Target duration of a part (ns)",
                              100 * GST_MSECOND, 10 * GST_SECOND, defaults.part_ns, kReadWrite));
  install(kSegmentDuration,
          g_param_spec_uint64("segment-duration", "Segment duration",
                              "Shortest duration of a segment, which ends at the next key frame (ns)",
                              500 * GST_MSECOND, 30 * GST_SECOND, defaults.segment_ns, kReadWrite));
  install(kMaxSegmentDuration,
          g_param_spec_uint64(
              "max-segment-duration", "Longest segment duration",
              "Longest duration of a segment, which playlists promise; it is cut without a key frame "
              "only where two are further apart (ns)",
              500 * GST_MSECOND, 120 * GST_SECOND, defaults.max_segment_ns, kReadWrite));
  install(kFileDuration,
          g_param_spec_uint64("file-duration", "File duration",
                              "Duration after which a new media file is begun (ns)", GST_SECOND,
                              24 * 3600 * GST_SECOND, defaults.file_ns, kReadWrite));
  install(kMinFree, g_param_spec_uint64("min-free", "Minimum free space",
                                        "Free space under which no new run is opened (bytes)", 0, G_MAXUINT64,
                                        defaults.min_free, kReadWrite));
  install(kCommitInterval,
          g_param_spec_uint64("commit-interval", "Commit interval",
                              "Time between two group commits of the volume; all elements with the same root "
                              "share them (ns)",
                              10 * GST_MSECOND, 60 * GST_SECOND, defaults.commit_ns, kReadWrite));
  install(kOpenTimeout,
          g_param_spec_uint64("open-timeout", "Open timeout",
                              "Time after which a run that could not be opened is given up (ns)",
                              100 * GST_MSECOND, 3600 * GST_SECOND, defaults.open_ns, kReadWrite));
  install(kFill, g_param_spec_string(
                     "fill", "Fill",
                     "What players are to be given between two runs of the stream: none, last (its last "
                     "picture, with silence) or a folder of prepared pictures. It is whoever runs this "
                     "element that gives it to them (a Headgate node does); the archive stays as it is",
                     defaults.fill.c_str(), kReadWrite));
  install(kStats,
          g_param_spec_boxed("stats", "Statistics",
                             "run, recording, parts, segments, bytes, frames, dropped-frames, commits, "
                             "commit-time-us, commit-lag-us",
                             GST_TYPE_STRUCTURE, kReadOnly));
}

}  // namespace

static void gst_segment_archiver_class_init(GstSegmentArchiverClass* klass) {
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
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Segment archiver", "Sink/File/Muxer",
      "Writes encoded video and audio as an evidential archive whose files are the HLS segments",
      "Headgate developers");
}

static void gst_segment_archiver_init(GstSegmentArchiver* self) {
  GstElement* element = GST_ELEMENT_CAST(self);
  self->state = new State;
  State& state = *self->state;
  state.src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_use_fixed_caps(state.src);
  gst_element_add_pad(element, state.src);
  state.input = std::make_unique<EncodedInput>(
      element,
      [element, &state](std::vector<Output>&& outputs) { deliver(element, state, std::move(outputs)); },
      [element, &state] { finish(element, state); });
  // It does its work with `src` unlinked, so it is a sink to the bin that counts EOS messages.
  GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SINK);
}
