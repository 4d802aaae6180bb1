// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <base/masked.h>
#include <health/conditions.h>
#include <load/terminal.h>
#include <pipeline/gst_each.h>
#include <pipeline/runner.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <future>
#include <thread>
#include <utility>

namespace headgate::pipeline {
namespace {

int64_t now_us() {
  return system_clock().mono_us();
}

std::string text_of(GstMessage* message, void (*parse)(GstMessage*, GError**, gchar**)) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  parse(message, &error, &debug);
  std::string out = std::string(GST_OBJECT_NAME(GST_MESSAGE_SRC(message))) + ": " + error->message;
  // "file.c (12): function (): /path:" and the reason on a line of its own.
  const std::string detail = debug ? debug : "";
  if (const size_t line = detail.rfind('\n'); line != std::string::npos && line + 1 < detail.size())
    out += " (" + detail.substr(line + 1) + ")";
  g_error_free(error);
  g_free(debug);
  return masked(out);
}

}  // namespace

Runner::Runner(Loop& loop, PipelinePtr pipeline, int64_t silence_ms, Events events)
    : loop_(loop),
      pipeline_(std::move(pipeline)),
      events_(std::move(events)),
      bus_(gst_element_get_bus(pipeline_.get())),
      flow_(pipeline_.get()),
      silence_ms_(silence_ms) {
  GPollFD descriptor;
  gst_bus_get_pollfd(bus_, &descriptor);
  bus_fd_ = descriptor.fd;
  loop_.watch(bus_fd_, EPOLLIN, [this](uint32_t) { on_bus(); });
  watch_sources();
}

Runner::~Runner() {
  stop();
}

bool Runner::stop() {
  if (std::exchange(stopped_, true)) return true;
  loop_.cancel(cut_);
  loop_.cancel(drain_);
  loop_.cancel(listen_);
  loop_.unwatch(bus_fd_);
  gst_object_unref(bus_);
  std::packaged_task<void()> down(
      [pipeline = pipeline_.get()] { gst_element_set_state(pipeline, GST_STATE_NULL); });
  auto done = down.get_future();
  std::thread thread(std::move(down));
  if (done.wait_for(std::chrono::milliseconds(kDownMs)) == std::future_status::ready) {
    thread.join();
    return true;
  }
  thread.detach();
  static_cast<void>(pipeline_.release());
  return false;
}

// Pads that are there from the beginning. One that comes later is not waited for, and moves what is looked at
// on.
void Runner::watch_sources() {
  each(gst_bin_iterate_sources(GST_BIN(pipeline_.get())), [this](gpointer object) {
    each(gst_element_iterate_src_pads(GST_ELEMENT(object)), [this](gpointer pad) {
      ++sources_left_;
      const auto look = +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
          static_cast<Runner*>(data)->on_source_end();
        return GST_PAD_PROBE_OK;
      };
      gst_pad_add_probe(GST_PAD(pad), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, look, this, nullptr);
    });
  });
}

void Runner::on_source_end() {
  if (--sources_left_ > 0) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || drain_ != 0 || ended_) return;
    drained_bytes_ = flow_.bytes();
    drain_ = loop_.every_ms(kDrainMs, [this] { look_at_drain(); });
  });
}

void Runner::look_at_drain() {
  const uint64_t bytes = flow_.bytes();
  if (bytes != std::exchange(drained_bytes_, bytes)) return;
  loop_.cancel(std::exchange(drain_, 0));
  finish(
      "what came in has ended, and the pipeline has not: it found nothing that it could use, or not enough "
      "of it");
}

void Runner::start() {
  begun_us_ = told_us_ = now_us();
  // A failure's reason is on the bus; one without a reason is one too.
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    loop_.post([this] {
      on_bus();
      finish("the pipeline does not start");
    });
  if (silence_ms_ == 0) return;
  silence_.emplace(silence_ms_);
  listen_ = loop_.every_ms(silence_->period_ms(), [this] { look_for_silence(); });
}

void Runner::look_for_silence() {
  if (ended_ || cut_ != 0) return;
  const auto stalled =
      std::find_if(stalled_.begin(), stalled_.end(), [](const auto& one) { return !one.second.empty(); });
  const auto reason =
      silence_->look(now_us() / 1000, flow_.sinks(), stalled == stalled_.end() ? "" : stalled->second);
  if (!reason) return;
  idle_ms_ = silence_ms_;
  finish(*reason);
}

void Runner::end() {
  if (ended_ || cut_ != 0) return;
  // A source that is pushing takes the event when it has pushed, which may be never.
  std::thread([pipeline = PipelinePtr(GST_ELEMENT(gst_object_ref(pipeline_.get())))] {
    gst_element_send_event(pipeline.get(), gst_event_new_eos());
  }).detach();
  cut_ = loop_.after_ms(kEndMs, [this] { finish("did not end within " + std::to_string(kEndMs) + " ms"); });
}

void Runner::finish(const std::string& error) {
  if (std::exchange(ended_, true)) return;
  events_.ended(error);
}

void Runner::on_bus() {
  while (GstMessage* message = gst_bus_pop(bus_)) {
    on_message(message);
    gst_message_unref(message);
  }
}

void Runner::on_message(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      return finish("");
    case GST_MESSAGE_ERROR:
      return finish(text_of(message, gst_message_parse_error));
    case GST_MESSAGE_WARNING:
      return events_.notice(text_of(message, gst_message_parse_warning));
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency(GST_BIN(pipeline_.get()));
      return;
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name(message, "headgate-health"))
        on_health(GST_MESSAGE_SRC(message), gst_message_get_structure(message));
      if (const GstStructure* told = gst_message_get_structure(message); told && events_.element)
        events_.element(*told);
      return;
    default:
      return;
  }
}

void Runner::on_health(const GstObject* probe, const GstStructure* health) {
  std::array<bool, health::kConditions.size()> wrong{};
  const auto look = [&wrong](const GstStructure* fields) {
    for (size_t i = 0; i < wrong.size(); ++i) {
      gboolean holds = FALSE;  // stays so where there is no such field
      gst_structure_get_boolean(fields, health::kConditions[i].name, &holds);
      wrong[i] = wrong[i] || holds;
    }
  };
  look(health);
  health_.clear();
  std::string& stalled = stalled_[probe];
  stalled.clear();
  const GValue* streams = gst_structure_get_value(health, "streams");
  for (guint i = 0; streams && i < gst_value_array_get_size(streams); ++i) {
    const GstStructure* stream = gst_value_get_structure(gst_value_array_get_value(streams, i));
    look(stream);
    const char* kind = gst_structure_get_string(stream, "kind");
    if (gboolean holds = FALSE;
        gst_structure_get_boolean(stream, health::name_of(health::Kind::stalled), &holds) && holds)
      stalled = std::string(kind ? kind : "a stream") + " (" + GST_OBJECT_NAME(probe) + ")";
    guint64 bit_rate = 0;
    double rate = 0;
    gst_structure_get_uint64(stream, "bit-rate", &bit_rate);
    gst_structure_get_double(stream, "rate", &rate);
    health_ += std::string(kind ? kind : "?") + " " + per_second(rate) + " " +
               load::short_number(static_cast<double>(bit_rate)) + "bit/s  ";
  }
  std::string words;
  for (size_t i = 0; i < wrong.size(); ++i)
    if (wrong[i]) words += (words.empty() ? "" : " ") + std::string(health::kConditions[i].name);
  health_ += words.empty() ? "good" : words;
}

std::string Runner::status() {
  const int64_t now = now_us(), seconds = (now - begun_us_) / 1'000'000;
  const double past = static_cast<double>(std::max<int64_t>(1, now - told_us_)) / 1e6;
  told_us_ = now;
  char time[32];
  std::snprintf(time, sizeof time, "%02d:%02d:%02d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return time + flow_.rates(past) + (health_.empty() ? "" : "  | " + health_);
}

}  // namespace headgate::pipeline
