// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inbox.h"

#include <base/masked.h>
#include <feed/element_messages.h>
#include <feed/structure_json.h>
#include <health/conditions.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "session_marks.h"

namespace headgate::worker {

using tools::frame_rate_milli;
using tools::records_in;
using tools::structure_json;
using tools::text_in;

namespace {

struct BusWatch {
  std::shared_ptr<Inbox> inbox;
  uint64_t session;
};

std::string taken(gchar* text) {
  std::string out = text ? text : "";
  g_free(text);
  return out;
}

std::string error_text(GstMessage* message, void (*parse)(GstMessage*, GError**, gchar**)) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  parse(message, &error, &debug);
  std::string out = taken(gst_object_get_path_string(GST_MESSAGE_SRC(message)));
  out = out.substr(out.rfind('/') + 1) + ": " + (error ? masked(error->message) : "unknown");
  g_clear_error(&error);
  g_free(debug);
  return out;
}

uint64_t number_field(const GstStructure* structure, const char* field) {
  guint64 value = 0;  // stays so where there is no such field
  gst_structure_get_uint64(structure, field, &value);
  return value;
}

// Nothing: there is no such field.
std::optional<ByteVector> bytes_in(const GstStructure* structure, const char* field) {
  const GValue* value = gst_structure_get_value(structure, field);
  auto* bytes =
      value && G_VALUE_HOLDS(value, G_TYPE_BYTES) ? static_cast<GBytes*>(g_value_get_boxed(value)) : nullptr;
  if (!bytes) return std::nullopt;
  gsize size = 0;
  const auto* data = static_cast<const std::byte*>(g_bytes_get_data(bytes, &size));
  return ByteVector(data, data + size);
}

HealthCounts health_counts(const GstStructure* health) {
  HealthCounts out;
  gboolean drifting = FALSE;  // likewise
  gst_structure_get_boolean(health, health::name_of(health::Kind::drifting), &drifting);
  out.drifting = drifting != FALSE;
  const GValue* streams = gst_structure_get_value(health, "streams");
  const guint size = streams && GST_VALUE_HOLDS_ARRAY(streams) ? gst_value_array_get_size(streams) : 0;
  for (guint i = 0; i < size; ++i) {
    const GValue* value = gst_value_array_get_value(streams, i);
    const GstStructure* stream = GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : nullptr;
    if (!stream) continue;
    out.stalls += number_field(stream, "stalls");
    out.lates += number_field(stream, "lates");
    out.jumps += number_field(stream, "jumps");
    out.backward += number_field(stream, "backward");
  }
  return out;
}

void take_element_message(const BusWatch& watch, const GstStructure* structure) {
  if (!structure) return;
  const char* name = gst_structure_get_name(structure);
  auto post = [&](auto what) { watch.inbox->post({watch.session, std::move(what)}); };
  if (std::strcmp(name, tools::kRecordsMessage) == 0) {
    if (auto records = records_in(structure))
      post(RecordsEvent{*std::move(records), text_in(structure, "rendition")});
  } else if (std::strcmp(name, tools::kHealthMessage) == 0) {
    post(HealthEvent{structure_json(structure), frame_rate_milli(structure),
                     text_in(structure, "cause") == "interval", health_counts(structure)});
  } else if (std::strcmp(name, "headgate-picture") == 0) {
    if (auto jpeg = bytes_in(structure, "jpeg")) post(PictureEvent{*std::move(jpeg)});
  } else if (std::strcmp(name, "headgate-session") == 0) {
    if (text_in(structure, "action") == "close")
      post(ClosingEvent{text_in(structure, "reason"),
                        {number_field(structure, "bytes"), number_field(structure, "video-frames"),
                         number_field(structure, "audio-frames"), 0}});
  } else if (std::strcmp(name, "headgate-archive") == 0) {
    gboolean broken = FALSE;  // without the field it is not
    gst_structure_get_boolean(structure, "broken", &broken);
    gint code = 0;  // likewise
    gst_structure_get_int(structure, "code", &code);
    post(ArchiveEvent{text_in(structure, "state"), text_in(structure, "reason"), code, broken != FALSE});
  } else if (std::strcmp(name, tools::kLadderMessage) == 0) {
    post(LadderEvent{tools::ladder_news(structure)});
  } else if (std::strcmp(name, "headgate-timestamps") == 0 || std::strcmp(name, "headgate-uplink") == 0) {
    post(NoticeEvent{structure_json(structure)});
  }
}

// A thread of the pipeline's own tells that itself when it begins and ends.
void note_thread(GstMessage* message, uint64_t session) {
  GstStreamStatusType type = GST_STREAM_STATUS_TYPE_CREATE;
  gst_message_parse_stream_status(message, &type, nullptr);
  if (type == GST_STREAM_STATUS_TYPE_ENTER) SessionMarks::own_thread(session);
  if (type == GST_STREAM_STATUS_TYPE_LEAVE) SessionMarks::own_thread(0);
}

GstBusSyncReply take_message(GstBus*, GstMessage* message, gpointer data) {
  const BusWatch& watch = *static_cast<BusWatch*>(data);
  auto post = [&](auto what) { watch.inbox->post({watch.session, std::move(what)}); };
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ELEMENT:
      take_element_message(watch, gst_message_get_structure(message));
      break;
    case GST_MESSAGE_EOS:
      post(EosEvent{});
      break;
    case GST_MESSAGE_ERROR:
      post(FailureEvent{error_text(message, gst_message_parse_error)});
      break;
    case GST_MESSAGE_WARNING:
      post(NoticeEvent{error_text(message, gst_message_parse_warning)});
      break;
    case GST_MESSAGE_STREAM_STATUS:
      note_thread(message, watch.session);
      break;
    default:
      break;
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

}  // namespace

Inbox::Inbox(Loop& loop, OnEvents on_events)
    : loop_(loop),
      on_events_(std::move(on_events)),
      alarm_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!alarm_) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  loop_.watch(alarm_.get(), EPOLLIN, [this](uint32_t) { drain(); });
}

void Inbox::watch(GstBus* bus, uint64_t session) {
  gst_bus_set_sync_handler(bus, take_message, new BusWatch{shared_from_this(), session},
                           [](gpointer data) { delete static_cast<BusWatch*>(data); });
}

void Inbox::post(BusEvent event, When when) {
  auto waiting = waiting_.lock();
  if (waiting->stopped) return;
  const bool first = waiting->events.empty();
  waiting->events.push_back(std::move(event));
  if (!first && when == When::gathered) return;
  itimerspec at{};
  at.it_value.tv_nsec = when == When::now ? 1 : kGatherMs * 1'000'000;
  ::timerfd_settime(alarm_.get(), 0, &at, nullptr);
}

void Inbox::drain() {
  auto keep = shared_from_this();  // the callback may end the worker
  uint64_t count;
  while (::read(alarm_.get(), &count, sizeof count) > 0) {
  }
  std::vector<BusEvent> events;
  events.swap(waiting_.lock()->events);
  if (on_events_ && !events.empty()) on_events_(std::move(events));
}

void Inbox::stop() {
  waiting_.lock()->stopped = true;
  loop_.unwatch(alarm_.get());
  on_events_ = nullptr;
}

}  // namespace headgate::worker
