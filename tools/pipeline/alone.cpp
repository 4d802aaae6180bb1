// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <pipeline/alone.h>

#include <cstdlib>
#include <utility>

namespace headgate::pipeline {
namespace {

std::string text_of(const GstStructure& from, const char* field) {
  const char* text = gst_structure_get_string(&from, field);
  return text ? text : "";
}

std::string number_of(const GstStructure& from, const char* field) {
  guint number = 0;
  gst_structure_get_uint(&from, field, &number);
  return std::to_string(number);
}

bool has_session(GstElement* source) {
  GstStructure* stats = nullptr;
  g_object_get(source, "stats", &stats, nullptr);
  gboolean connected = FALSE;
  if (stats) gst_structure_get_boolean(stats, "connected", &connected);
  g_clear_pointer(&stats, gst_structure_free);
  return connected != FALSE;
}

}  // namespace

Alone::Alone(Loop& loop, const Description& description, Values values, Listen listen, std::string program,
             std::function<void(int)> done)
    : loop_(loop),
      description_(description),
      values_(std::move(values)),
      listen_(std::move(listen)),
      program_(std::move(program)),
      done_(std::move(done)) {}

Alone::~Alone() {
  loop_.cancel(cut_);
}

void Alone::start() {
  auto begun = begin();
  if (begun) return;
  tools::complain(1, program_.c_str(), begun.error().message);
  done_(1);
}

Result<void> Alone::begin() {
  auto pipeline = build(description_, values_);
  if (!pipeline) return Unexpected(pipeline.error());
  source_.reset(gst_bin_get_by_name(GST_BIN(pipeline->get()), kSourceName));  // build() has seen it
  for (const char* property : {"uri", "keys", "once", "bound-port"})
    if (!g_object_class_find_property(G_OBJECT_GET_CLASS(source_.get()), property))
      return Unexpected(description_.file() + ": /elements: \"" + kSourceName + "\" has no property " +
                        property + ", as ticketsrc has: it cannot listen by itself");
  g_object_set(source_.get(), "uri", listen_.uri.c_str(), "keys", listen_.keys.c_str(), "once",
               static_cast<gboolean>(listen_.once), nullptr);
  Runner::Events events;
  events.ended = [this](const std::string& error) { loop_.post([this, error] { finish(error); }); };
  events.notice = [this](const std::string& text) { tools::complain(0, program_.c_str(), text); };
  events.element = [this](const GstStructure& message) { told(message); };
  // Nobody has to come.
  runner_ = std::make_unique<Runner>(loop_, *std::move(pipeline), 0, std::move(events));
  runner_->start();
  guint port = 0;
  g_object_get(source_.get(), "bound-port", &port, nullptr);
  if (port != 0)  // otherwise the bus says why
    tools::complain(0, program_.c_str(),
                    "waits on port " + std::to_string(port) + " for a publisher with a ticket");
  return {};
}

void Alone::told(const GstStructure& session) {
  if (!gst_structure_has_name(&session, "headgate-session")) return;
  const std::string action = text_of(session, "action"), peer = text_of(session, "peer");
  const std::string station =
      "station " + number_of(session, "station") + " of event " + number_of(session, "event");
  const auto tell = [this](const std::string& text) { tools::complain(0, program_.c_str(), text); };
  if (action == "open") tell(station + ": " + peer + " publishes over " + text_of(session, "protocol"));
  if (action == "refuse") tell(peer + " is refused: " + text_of(session, "reason"));
  if (action != "close") return;
  tell(station + ": session over, " + text_of(session, "reason"));
  if (ending_) loop_.post([this] { finish(""); });
}

void Alone::end() {
  if (std::exchange(ending_, true) || !runner_) return;
  if (!has_session(source_.get())) return loop_.post([this] { finish(""); });
  g_signal_emit_by_name(source_.get(), "end-session", "shutdown");
  cut_ = loop_.after_ms(kEndMs, [this] {
    cut_ = 0;
    finish("the session did not end within " + std::to_string(kEndMs) + " ms");
  });
}

void Alone::finish(const std::string& error) {
  if (std::exchange(finished_, true)) return;
  loop_.cancel(std::exchange(cut_, 0));
  if (!error.empty()) tools::complain(1, program_.c_str(), error);
  if (!runner_->stop()) {
    tools::complain(1, program_.c_str(), "the pipeline does not stop");
    std::_Exit(1);
  }
  runner_.reset();
  done_(error.empty() ? 0 : 1);
}

}  // namespace headgate::pipeline
