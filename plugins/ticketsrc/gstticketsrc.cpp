// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-ticketsrc
 * @title: ticketsrc
 *
 * A live source of what a publisher sends who holds a ticket (docs/tickets.md). With #ticketsrc:uri and
 * #ticketsrc:keys it listens, admits one publisher at a time over RTMP and, when that one leaves, waits for
 * the next on the same pads: a new stream-start and segment, and a GAP event for the time between. An
 * application that has admitted a publisher itself hands the connection over by #ticketsrc:session-fd and
 * #ticketsrc:session-state instead; then EOS follows the session.
 *
 * Each session is announced by a sticky `headgate-session` event on every pad and by element messages of that
 * name when it opens, closes, or is refused (docs/elements.md). Timestamps start at 0 with the session's
 * first frame; the sender's clock (of 32 bits, in MPEG-TS 33) is unwrapped, its jumps are repaired and told
 * by `headgate-timestamps` messages, and audio gets its exact sample clock back. Video key frames carry the
 * time of receipt as reference timestamp meta with caps timestamp/x-unix.
 *
 * All elements with the same #ticketsrc:tick-ms read from one thread: what is linked directly downstream must
 * not block, or a queue has to stand before it; and the element's state cannot be changed from a synchronous
 * bus handler on that thread.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 ticketsrc uri=rtmp://127.0.0.1:1935/live keys=keys name=source \
 *   source.video_0 ! queue ! avdec_h264 ! videoconvert ! autovideosink \
 *   source.audio_0 ! queue ! avdec_aac ! audioconvert ! autoaudiosink
 * ]|
 * Shows what the holder of a ticket of the event in the folder `keys` publishes.
 */
#include "gstticketsrc.h"

#include "common/codec_caps.h"
#include "common/names.h"
#include "common/session_info.h"
#include "common/settings.h"
#include "common/trampoline.h"
#include "source.h"

GST_DEBUG_CATEGORY(ticketsrc_debug);
#define GST_CAT_DEFAULT ticketsrc_debug

using namespace headgate;
using namespace headgate::gst;
using namespace headgate::ticketsrc;

namespace {

constexpr guint kMinTickMs = 5, kMaxTickMs = 1000;

struct Settings {
  std::string uri, keys;
  guint tick_ms = 50;
  guint64 idle_ns = 10 * GST_SECOND;
  guint64 late_ns = 3 * GST_SECOND;
  gboolean once = FALSE;
};

// What is handed over; taken when the element goes to PAUSED.
struct Handover {
  UniqueFd fd;
  ByteVector state;
  store::RunInfo info;
};

struct State {
  explicit State(GstElement* element, void (*prepare_pad)(GstPad*)) : source(element, prepare_pad) {}
  Settings settings;       // object lock
  Handover handover;       // object lock
  guint16 bound_port = 0;  // object lock
  Source source;
  std::unique_ptr<ticketsrc::Listener> listener;  // NULL → READY and back; before source's end
};

enum Property {
  kUri = 1,
  kKeys,
  kBoundPort,
  kOnce,
  kTickMs,
  kIdleTimeout,
  kLateThreshold,
  kSessionFd,
  kSessionState,
  kSessionInfo,
  kServiceWord,
  kStats,
};

GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(kVideoCaps));
GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(kAudioCaps));

}  // namespace

struct _GstTicketSrc {
  GstElement parent;
  State* state;
};

G_DEFINE_TYPE(GstTicketSrc, gst_ticket_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(ticketsrc, "ticketsrc", GST_RANK_NONE, GST_TYPE_TICKET_SRC,
                                      GST_DEBUG_CATEGORY_INIT(ticketsrc_debug, "ticketsrc", 0,
                                                              "ticketsrc element"))

namespace {

State& state_of(void* object) {
  return *GST_TICKET_SRC(object)->state;
}

gboolean pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
  const Settings settings = copy_settings(parent, state_of(parent).settings);
  gst_query_set_latency(query, TRUE, settings.tick_ms * GST_MSECOND, GST_CLOCK_TIME_NONE);
  return TRUE;
}

gboolean pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_LATENCY:
    case GST_EVENT_QOS:
    case GST_EVENT_RECONFIGURE:
      gst_event_unref(event);
      return TRUE;
    default:
      return gst_pad_event_default(pad, parent, event);
  }
}

void prepare_pad(GstPad* pad) {
  gst_pad_set_query_function(pad, (trampoline<pad_query, FALSE>));
  gst_pad_set_event_function(pad, (trampoline<pad_event, FALSE>));
}

bool listen(GstElement* element, State& state) {
  const Settings settings = copy_settings(element, state.settings);
  if (settings.uri.empty()) return true;  // under an application
  if (settings.keys.empty()) {
    GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                      ("No keys: set the property keys to a folder made by `headgate ticket keygen`."),
                      (nullptr));
    return false;
  }
  Source* source = &state.source;
  auto listener = ticketsrc::Listener::open(
      settings.uri, settings.keys,
      [source](Offer offer, ticketsrc::Listener& from) { source->offer(std::move(offer), &from); },
      [source](const store::RunInfo& info, const std::string& text) { source->refused(info, text); });
  if (!listener) {
    GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ, ("%s", listener.error().message.c_str()), (nullptr));
    return false;
  }
  state.listener = std::move(listener).value();
  ObjectLock lock(element);
  state.bound_port = state.listener->port();
  return true;
}

bool start(GstElement* element, State& state) {
  SourceSettings settings;
  Handover handover;
  {
    ObjectLock lock(element);
    settings.tick_ms = state.settings.tick_ms;
    settings.idle_us = static_cast<int64_t>(state.settings.idle_ns / GST_USECOND);
    settings.late_ns = static_cast<int64_t>(state.settings.late_ns);
    settings.once = state.settings.once;
    handover = std::exchange(state.handover, {});
  }
  if (!state.listener && !handover.fd) {
    GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                      ("Nobody can publish: set the properties uri and keys to listen, or session-fd and "
                       "session-state to a session that was admitted elsewhere."),
                      (nullptr));
    return false;
  }
  state.source.start(settings);
  if (handover.fd)
    state.source.offer(Offer{.socket = std::move(handover.fd),
                             .state = std::move(handover.state),
                             .info = std::move(handover.info)},
                       nullptr);
  return true;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  State& state = state_of(element);
  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!listen(element, state)) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!start(element, state)) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      state.source.pause();
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      if (state.source.on_streaming_thread()) {
        g_critical(
            "%s: the state cannot be changed from the streaming thread, which would wait for itself; do it "
            "from another one",
            GST_OBJECT_NAME(element));
        return GST_STATE_CHANGE_FAILURE;
      }
      break;
    default:
      break;
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_ticket_src_parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) return result;
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      return GST_STATE_CHANGE_NO_PREROLL;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      state.source.play();
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      state.source.stop();
      break;
    case GST_STATE_CHANGE_READY_TO_NULL: {
      state.listener.reset();
      ObjectLock lock(element);
      state.bound_port = 0;
      break;
    }
    default:
      break;
  }
  return result;
}

void end_session(GstElement* element, const gchar* reason) {
  state_of(element).source.end_session(reason && *reason ? reason : "operator");
}

void request_reconnect(GstElement* element, const gchar* url, const gchar* text) {
  state_of(element).source.ask_to_reconnect(url ? url : "", text ? text : "");
}

void add_structure(GstStructure* to, const char* field, GstStructure* structure) {
  const gst::StructurePtr owned(structure);
  gst_structure_set(to, field, GST_TYPE_STRUCTURE, structure, nullptr);
}

GstStructure* ts_structure(const mpegts::Stats& stats) {
  return gst_structure_new("headgate-ts-stats", "packets", G_TYPE_UINT64, guint64{stats.packets},
                           "sync-losses", G_TYPE_UINT64, guint64{stats.sync_losses}, "unusable-packets",
                           G_TYPE_UINT64, guint64{stats.unusable_packets}, "discontinuities", G_TYPE_UINT64,
                           guint64{stats.discontinuities}, "units", G_TYPE_UINT64, guint64{stats.units},
                           "dropped-units", G_TYPE_UINT64, guint64{stats.dropped_units}, nullptr);
}

GstStructure* srt_structure(const srt::LinkStats& stats) {
  return gst_structure_new(
      "headgate-srt-stats", "received-packets", G_TYPE_UINT64, guint64{stats.received_packets},
      "received-bytes", G_TYPE_UINT64, guint64{stats.received_bytes}, "retransmitted-packets", G_TYPE_UINT64,
      guint64{stats.retransmitted_packets}, "lost-packets", G_TYPE_UINT64, guint64{stats.lost_packets},
      "dropped-packets", G_TYPE_UINT64, guint64{stats.dropped_packets}, "undecrypted-packets", G_TYPE_UINT64,
      guint64{stats.undecrypted_packets}, "held-ms", G_TYPE_UINT64, guint64{stats.held_ms}, "rtt-us",
      G_TYPE_UINT, guint{stats.rtt_us}, "bandwidth-kbps", G_TYPE_UINT, guint{stats.bandwidth_kbps},
      "rate-kbps", G_TYPE_UINT, guint{stats.rate_kbps}, "buffer-ms", G_TYPE_UINT, guint{stats.buffer_ms},
      "latency-ms", G_TYPE_UINT, guint{stats.latency_ms}, nullptr);
}

GstStructure* stats_structure(const SourceStats& stats) {
  GstStructure* fields = gst_structure_new(
      "headgate-source-stats", "connected", G_TYPE_BOOLEAN, stats.connected, "bytes", G_TYPE_UINT64,
      guint64{stats.bytes}, "video-frames", G_TYPE_UINT64, guint64{stats.video_frames}, "audio-frames",
      G_TYPE_UINT64, guint64{stats.audio_frames}, "repairs", G_TYPE_UINT64, guint64{stats.repairs},
      "sessions", G_TYPE_UINT64, guint64{stats.sessions}, "refused", G_TYPE_UINT64, guint64{stats.refused},
      "last-media-mono-us", G_TYPE_INT64, gint64{stats.last_media_mono_us}, "late", G_TYPE_BOOLEAN,
      stats.late, "late-ms", G_TYPE_INT64, gint64{stats.late_ms}, nullptr);
  if (stats.link) add_structure(fields, "ts", ts_structure(stats.link->ts));
  if (stats.link && stats.link->srt) add_structure(fields, "srt", srt_structure(*stats.link->srt));
  return fields;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  Settings& settings = state.settings;
  ObjectLock lock(object);
  switch (id) {
    case kUri:
      settings.uri = string_of(value);
      break;
    case kKeys:
      settings.keys = string_of(value);
      break;
    case kOnce:
      settings.once = g_value_get_boolean(value);
      break;
    case kTickMs:
      settings.tick_ms = g_value_get_uint(value);
      break;
    case kIdleTimeout:
      settings.idle_ns = g_value_get_uint64(value);
      break;
    case kLateThreshold:
      settings.late_ns = g_value_get_uint64(value);
      break;
    case kSessionFd:
      state.handover.fd.reset(g_value_get_int(value));
      break;
    case kSessionState: {
      gsize size = 0;
      auto* bytes = static_cast<GBytes*>(g_value_get_boxed(value));
      const auto* data = bytes ? static_cast<const std::byte*>(g_bytes_get_data(bytes, &size)) : nullptr;
      state.handover.state.assign(data, data + size);
      break;
    }
    case kSessionInfo:
      state.handover.info = run_info_of(static_cast<const GstStructure*>(g_value_get_boxed(value)));
      break;
    case kServiceWord:
      state.source.count_service(static_cast<std::atomic<uint64_t>*>(g_value_get_pointer(value)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id == kStats) {
    g_value_take_boxed(value, stats_structure(state.source.stats()));
    return;
  }
  ObjectLock lock(object);
  const Settings& settings = state.settings;
  switch (id) {
    case kUri:
      set_string(value, settings.uri);
      break;
    case kKeys:
      set_string(value, settings.keys);
      break;
    case kBoundPort:
      g_value_set_uint(value, state.bound_port);
      break;
    case kOnce:
      g_value_set_boolean(value, settings.once);
      break;
    case kTickMs:
      g_value_set_uint(value, settings.tick_ms);
      break;
    case kIdleTimeout:
      g_value_set_uint64(value, settings.idle_ns);
      break;
    case kLateThreshold:
      g_value_set_uint64(value, settings.late_ns);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete GST_TICKET_SRC(object)->state;
  G_OBJECT_CLASS(gst_ticket_src_parent_class)->finalize(object);
}

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  install(
      kUri,
      g_param_spec_string(
          "uri", "URI",
          "Address to listen on, rtmp://host:port/app or srt://host:port; port 0 takes a free one. Not set: "
          "a session is handed over by session-fd",
          nullptr, kReadWrite));
  install(kKeys, g_param_spec_string("keys", "Keys",
                                     "Folder with the event's keys, made by `headgate ticket keygen`",
                                     nullptr, kReadWrite));
  install(kBoundPort,
          g_param_spec_uint("bound-port", "Bound port", "Port that is listened on from READY on; 0: none", 0,
                            65535, 0, kReadOnly));
  install(kOnce, g_param_spec_boolean("once", "Once",
                                      "Send EOS after the first session instead of waiting for another",
                                      defaults.once, kReadWrite));
  install(kTickMs,
          g_param_spec_uint(
              "tick-ms", "Tick",
              "Time between two reads of the connection (ms); elements with the same value share one "
              "thread",
              kMinTickMs, kMaxTickMs, defaults.tick_ms, kReadWrite));
  install(kIdleTimeout, g_param_spec_uint64("idle-timeout", "Idle timeout",
                                            "Time without a frame after which a session is ended (ns)",
                                            GST_SECOND, 3600 * GST_SECOND, defaults.idle_ns, kReadWrite));
  install(kLateThreshold,
          g_param_spec_uint64("late-threshold", "Late threshold",
                              "Media that comes so far behind real time is told to the publisher and on the "
                              "bus (headgate-uplink), and below a third of it that it is good again (ns); 0: "
                              "never",
                              0, 3600 * GST_SECOND, defaults.late_ns, kReadWrite));
  install(kSessionFd,
          g_param_spec_int("session-fd", "Session descriptor",
                           "Connected socket of a session that was admitted elsewhere; the element "
                           "closes it. Taken on READY to PAUSED",
                           -1, G_MAXINT, -1, kWriteOnly));
  install(kSessionState,
          g_param_spec_boxed("session-state", "Session state",
                             "Saved protocol state of that session, `publish` not answered yet; of SRT none",
                             G_TYPE_BYTES, kWriteOnly));
  install(kSessionInfo, g_param_spec_boxed("session-info", "Session information",
                                           "Fields of that session's headgate-session event",
                                           GST_TYPE_STRUCTURE, kWriteOnly));
  install(kServiceWord, g_param_spec_pointer(
                            "service-word", "Service word",
                            "A std::atomic<uint64_t> that outlives the element, or NULL: counted up when a "
                            "tick begins to serve the element and when it has, so that it is odd in between",
                            kWriteOnly));
  install(kStats,
          g_param_spec_boxed("stats", "Statistics",
                             "connected, bytes, video-frames, audio-frames, repairs, sessions, refused, "
                             "last-media-mono-us, late, late-ms; of SRT sessions ts and srt (GstStructure)",
                             GST_TYPE_STRUCTURE, kReadOnly));
}

}  // namespace

static void gst_ticket_src_class_init(GstTicketSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = trampoline<set_property>;
  object_class->get_property = trampoline<get_property>;
  object_class->finalize = trampoline<finalize>;
  element_class->change_state = (trampoline<change_state, GST_STATE_CHANGE_FAILURE>);
  install_properties(object_class);
  /**
   * GstTicketSrc::end-session:
   * @self: the element
   * @reason: (nullable): why, for the session's close message
   *
   * Ends the present session, if there is one, within a tick.
   */
  g_signal_new_class_handler(
      "end-session", G_TYPE_FROM_CLASS(klass), static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(trampoline<end_session>), nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * GstTicketSrc::request-reconnect:
   * @self: the element
   * @url: (nullable): where to, a URI reference; %NULL or empty: where the publisher is
   * @text: (nullable): why, for people
   *
   * Asks the present publisher, if there is one, to connect anew at a moment of its choice (Enhanced RTMP);
   * it is served until it leaves. Whether it was asked is told by a headgate-session message.
   */
  g_signal_new_class_handler("request-reconnect", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(trampoline<request_reconnect>), nullptr, nullptr, nullptr,
                             G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(
      element_class, "Ticket source", "Source/Network",
      "Admits a publisher who holds a ticket and outputs what he sends (RTMP, SRT)", "Headgate developers");
}

static void gst_ticket_src_init(GstTicketSrc* self) {
  self->state = new State(GST_ELEMENT_CAST(self), prepare_pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}
