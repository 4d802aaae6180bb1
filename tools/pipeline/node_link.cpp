// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <base/json_line.h>
#include <feed/element_messages.h>
#include <feed/media_feed.h>
#include <feed/structure_json.h>
#include <pipeline/node_link.h>
#include <playlist/record.h>
#include <playlist/rendition.h>
#include <unistd.h>

#include <utility>

namespace headgate::pipeline {
namespace {

constexpr size_t kMaxErrorBytes = 1000;  // that are told
constexpr char kArchiver[] = "segmentarchiver";

// The first archiver of the pipeline.
GstElement* archiver_of(GstElement* pipeline) {
  if (!GST_IS_BIN(pipeline)) return nullptr;
  GstIterator* all = gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), kArchiver);
  GValue value = G_VALUE_INIT;
  GstElement* out = nullptr;
  if (gst_iterator_next(all, &value) == GST_ITERATOR_OK) out = GST_ELEMENT(g_value_dup_object(&value));
  g_value_unset(&value);
  gst_iterator_free(all);
  return out;
}

// Unique on the node: no two processes begin a run in the same microsecond but by the id's last bits.
uint64_t new_session() {
  return static_cast<uint64_t>(system_clock().utc_us()) << 16 | (static_cast<uint64_t>(::getpid()) & 0xffff);
}

}  // namespace

NodeLink::NodeLink(Loop& loop, Settings settings, std::function<void()> on_stop)
    : loop_(loop),
      settings_(std::move(settings)),
      on_stop_(std::move(on_stop)),
      audience_(loop, [this](wire::Audience::Member& from, const wire::Message& message,
                             const std::vector<UniqueFd>&) { on_message(from, message); }),
      batches_([this](const wire::StreamRecords& records) { audience_.tell(records, {"origin"}); }) {}

NodeLink::~NodeLink() {
  loop_.cancel(timer_);
  loop_.cancel(last_word_);
}

Result<void> NodeLink::listen() {
  std::string path = settings_.runtime_dir + "/" + tools::kPipelineFront + settings_.instance;
  if (settings_.place >= 0) path += "." + std::to_string(settings_.place);
  if (auto listening = audience_.listen(path + ".sock"); !listening) return listening;
  timer_ = loop_.every_ms(kTellMs, [this] { tick(); });
  return {};
}

void NodeLink::on_message(wire::Audience::Member& from, const wire::Message& message) {
  if (std::holds_alternative<wire::Hello>(message)) {
    greet(from);
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    from.channel->send(wire::Listeners{});
  } else if (std::holds_alternative<wire::Stop>(message)) {
    on_stop_();
  }
}

void NodeLink::greet(const wire::Audience::Member& member) {
  wire::Channel& channel = *member.channel;
  if (member.role == "supervisor") {
    channel.send(status());
    if (done_) std::exchange(done_, nullptr)();
    return;
  }
  channel.send(state());
  if (!opened_) return;
  channel.send(*opened_);
  if (member.role == "origin")
    for (const auto& [rendition, history] : histories_)
      history.replay([&, name = rendition](ByteVector batch) {
        channel.send(wire::StreamRecords{opened_->session, event_, station_, std::move(batch), name});
      });
  if (!health_.json.empty()) channel.send(health_);
}

void NodeLink::began(GstElement* pipeline) {
  GstElement* archiver = archiver_of(pipeline);
  archives_ = archiver != nullptr;
  if (!archiver) return;
  g_object_get(archiver, "event", &event_, "station", &station_, nullptr);
  gst_object_unref(archiver);
}

void NodeLink::element(const GstStructure& message) {
  if (!archives_) return;
  if (gst_structure_has_name(&message, tools::kRecordsMessage)) {
    if (auto all = tools::records_in(&message)) records(tools::text_in(&message, "rendition"), *all);
  } else if (gst_structure_has_name(&message, tools::kHealthMessage)) {
    probed_ = tools::structure_json(&message);
    health_.frame_rate_milli = tools::frame_rate_milli(&message);
    put_health(tools::text_in(&message, "cause") != "interval");
  } else if (gst_structure_has_name(&message, tools::kLadderMessage)) {
    if (ladder_.told(tools::ladder_news(&message), system_clock().utc_us())) put_health(true);
  }
}

void NodeLink::put_health(bool tell) {
  const std::string paused = ladder_.paused_json();
  JsonLine line = JsonLine::after(probed_);
  if (!paused.empty()) line.raw("paused", paused);
  health_.json = line.take();
  if (opened_ && tell) audience_.tell(health_, {"origin", "control"});
}

// Not before there is media: a camera that is not there begins a run again and again.
void NodeLink::open_session() {
  opened_ = wire::SessionOpened{new_session(),
                                event_,
                                station_,
                                "",
                                settings_.peer,
                                tools::kPipelineProtocol,
                                settings_.instance + " (" + settings_.description + ")",
                                system_clock().utc_us()};
  health_.session = opened_->session;
  health_.event = event_;
  health_.station = station_;
  health_.received_bytes = 0;
  audience_.tell(state(), {"origin", "control"});
  audience_.tell(*opened_, {"origin", "control"});
}

// Of the source.
void NodeLink::count(Bytes record) {
  const auto told = playlist::decode(record);
  const auto* part = told ? std::get_if<playlist::PartRecord>(&*told) : nullptr;
  if (!part) return;
  health_.received_bytes += part->length;
  health_.last_media_mono_us = system_clock().mono_us();
}

void NodeLink::records(const std::string& rendition, Bytes all) {
  if (!rendition.empty() &&
      (!playlist::valid_rendition(rendition) ||
       (!histories_.contains(rendition) && histories_.size() > playlist::kMaxRenditions)))
    return;
  if (!opened_) open_session();
  ByteReader reader(all);
  while (reader.remaining() > 0) {
    const uint32_t length = reader.u32();
    const Bytes record = reader.bytes(length);
    if (!reader.ok()) break;
    histories_[rendition].add(record);
    if (rendition.empty()) count(record);
    batches_.add(*opened_, rendition, record);
  }
  batches_.flush(opened_->session);
}

void NodeLink::ended(const std::string& reason, int64_t idle_ms) {
  if (opened_) {
    const wire::SessionClosed closed{opened_->session, event_, station_, reason};
    opened_.reset();
    audience_.tell(closed, {"origin", "control"});
    audience_.tell(state(), {"origin", "control"});
  }
  histories_.clear();
  health_ = {};
  probed_.clear();
  ladder_ = {};
  archives_ = false;
  // The process may end now.
  error_ = reason.starts_with(kErrorFront) ? reason.substr(kErrorFront.size()).substr(0, kMaxErrorBytes) : "";
  idle_ms_ = idle_ms;
  if (!error_.empty()) audience_.tell(status(), {"supervisor"});
}

// A run that fails at once has failed before the supervisor has seen the socket.
void NodeLink::last_word(std::function<void()> done) {
  if (error_.empty() || audience_.has("supervisor")) return done();
  done_ = std::move(done);
  last_word_ = loop_.after_ms(kLastWordMs, [this] {
    if (done_) std::exchange(done_, nullptr)();
  });
}

void NodeLink::tick() {
  audience_.tell(status(), {"supervisor"});
  if (!opened_) return;
  if (!health_.json.empty()) audience_.tell(health_, {"origin"});
  wire::SessionHealth brief = health_;  // what control counts
  brief.json.clear();
  audience_.tell(brief, {"control"});
}

wire::WorkerState NodeLink::state() const {
  const auto pid = static_cast<uint32_t>(::getpid());
  return {tools::kFirstPipelineNumber + pid,           pid, opened_ ? 1u : 0u, 1, false,
          "it runs the pipeline " + settings_.instance};
}

wire::Status NodeLink::status() {
  const Says says = status_ ? status_() : Says();
  JsonLine json;
  json.field("settings", settings_.settings_id)
      .field("running", !says.line.empty() && says.waits_until_us == 0)
      .field("line", says.line);
  if (says.waits_until_us != 0) json.field("waits_until_us", says.waits_until_us);
  if (!error_.empty()) json.field("error", error_).field("idle_ms", idle_ms_);
  return {"pipeline", static_cast<uint32_t>(::getpid()), json.take()};
}

}  // namespace headgate::pipeline
