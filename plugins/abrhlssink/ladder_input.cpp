// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder_input.h"

#include <cstdio>
#include <utility>

#include "common/ref.h"
#include "common/thread_status.h"
#include "common/trampoline.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

LadderInput::LadderInput(GstElement* element, LadderSettings settings, Take take, std::function<void()> wake,
                         std::function<void(const std::string&)> forgo)
    : element_(element), forgo_(std::move(forgo)) {
  Ladder::Events events;
  events.records = std::move(take);
  events.wake = std::move(wake);
  events.news = [this](const RungNews& news) { tell(news); };
  // An encoder that hangs is left behind with its thread.
  events.thread = [weak = std::make_shared<gst::WeakElement>(element)](bool begins) {
    if (const auto there = weak->get()) gst::tell_thread(there.get(), begins);
  };
  ladder_ = std::make_unique<Ladder>(std::move(settings), std::move(events));
}

LadderInput::~LadderInput() {
  stop();
}

void LadderInput::read_from(const std::string& root) {
  ArchiveFeed::Events events;
  events.caps = [this](codec::Kind kind, GstCaps* caps) { ladder_->caps(kind, caps); };
  events.frame = [this](codec::Kind kind, EncodedFrame frame, bool may_wait) {
    ladder_->put(kind, std::move(frame), !may_wait);
  };
  events.run_ended = [this] {
    for (const auto kind : {codec::Kind::video, codec::Kind::audio}) ladder_->drain(kind);
  };
  events.wanted = [this] { return ladder_->busy(); };
  events.started = [this] { ladder_->renditions().keep(store::kMaxBoundaries); };
  events.rested = [this] {
    ladder_->rest();
    ladder_->renditions().keep(kIdleParts);
    ladder_->renditions().rest();
  };
  events.failed = [this](const std::string& why) {
    tell({"", "failed", "the source cannot be read: " + why});
  };
  feed_ = std::make_unique<ArchiveFeed>(root, std::move(events));
  ladder_->renditions().keep(kIdleParts);
}

// Event and station of what records are about: where their files lie says it (docs/archive.md).
void LadderInput::place(const playlist::InitRecord& init) {
  unsigned event = 0, station = 0;
  if (std::sscanf(init.file.c_str(), "lta/%u/st/%*2x/%u/", &event, &station) == 2)
    ladder_->source(event, station);
}

void LadderInput::source_records(const std::vector<playlist::Record>& records) {
  ladder_->renditions().source_records(records);
  if (!feed_) return;
  for (const playlist::Record& record : records) {
    feed_->add(record);
    if (const auto* init = std::get_if<playlist::InitRecord>(&record)) {
      place(*init);
      ladder_->announce(*init);
    }
  }
  ladder_->look();
  feed_->wake();
}

void LadderInput::source_time(const store::StreamTime& time) {
  ladder_->renditions().source_time(time);
  if (feed_) feed_->set_time(time);
}

void LadderInput::ask(const std::string& rendition) {
  ladder_->ask(rendition);
  if (feed_) feed_->wake();
}

void LadderInput::when_drained(std::function<void()> done) {
  if (!feed_) return ladder_->when_drained(std::move(done));
  feed_->end([this, done = std::move(done)](bool was_reading) {
    if (!was_reading) return done();
    ladder_->end(codec::Kind::video);
    ladder_->end(codec::Kind::audio);
    ladder_->when_drained(done);
  });
}

void LadderInput::release() {
  if (feed_) feed_->cease();
  ladder_->release();
  if (feed_) feed_->stop();
}

void LadderInput::stop() {
  release();
  ladder_->stop();
}

void LadderInput::tell(const RungNews& news) {
  // Of the others their records tell.
  if (!news.record && std::string_view(news.state) != "running") forgo_(news.rendition);
  if (std::string_view(news.state) == "failed")
    GST_ELEMENT_WARNING(
        element_, STREAM, ENCODE,
        ("Rung %s: %s", news.rendition.empty() ? "(all)" : news.rendition.c_str(), news.reason.c_str()),
        (nullptr));
  else
    GST_INFO_OBJECT(element_, "rung %s %s %s", news.rendition.c_str(), news.state, news.reason.c_str());
  GstStructure* fields =
      gst_structure_new("headgate-ladder", "rendition", G_TYPE_STRING, news.rendition.c_str(), "state",
                        G_TYPE_STRING, news.state, "reason", G_TYPE_STRING, news.reason.c_str(), nullptr);
  if (*news.cause) gst_structure_set(fields, "cause", G_TYPE_STRING, news.cause, nullptr);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT_CAST(element_), fields));
}

void LadderInput::session(codec::Kind kind, const store::RunInfo& info) {
  ladder_->source(info.event, info.station);
  ladder_->session(kind);
}

GstStructure* LadderInput::stats() const {
  const LadderStats stats = ladder_->stats();
  std::string running;
  for (const std::string& name : stats.running) running += (running.empty() ? "" : ",") + name;
  return gst_structure_new("ladder", "running", G_TYPE_STRING, running.c_str(), "pictures", G_TYPE_UINT64,
                           guint64{stats.pictures}, "dropped-frames", G_TYPE_UINT64,
                           guint64{stats.dropped_frames}, "waiting-ms", G_TYPE_INT64,
                           gint64{stats.waiting_ms}, nullptr);
}

}  // namespace headgate::abrhlssink
