// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fills.h"

#include <base/clock.h>
#include <common/log.h>
#include <playlist/record.h>
#include <store/fill.h>

#include <algorithm>
#include <cerrno>

namespace headgate::worker {
namespace {

constexpr char kFillProperty[] = "fill";

std::string property_text(GstElement* pipeline) {
  std::string out;
  const auto look = +[](const GValue* value, gpointer into) {
    auto* element = static_cast<GObject*>(g_value_get_object(value));
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), kFillProperty);
    if (!spec || spec->value_type != G_TYPE_STRING) return;
    gchar* text = nullptr;
    g_object_get(element, kFillProperty, &text, nullptr);
    if (text) *static_cast<std::string*>(into) = text;
    g_free(text);
  };
  GstIterator* elements = gst_bin_iterate_elements(GST_BIN(pipeline));
  while (gst_iterator_foreach(elements, look, &out) == GST_ITERATOR_RESYNC) gst_iterator_resync(elements);
  gst_iterator_free(elements);
  return out;
}

}  // namespace

Result<FillWish> fill_wish(GstElement* pipeline) {
  const std::string text = property_text(pipeline);
  if (text.empty() || text == "none") return FillWish{};
  if (text == "last") return FillWish{true, ""};
  if (text.front() == '/') return FillWish{true, text};
  return Unexpected("fill: '" + text + "' is not none, last, or a folder's absolute path");
}

// Made in the loop's thread, then the other one's until it is given to nobody any more.
struct Fills::Work {
  uint64_t id = 0;
  store::FillSettings settings;
  int64_t last_start_us = 0;  // CLOCK_BOOTTIME; not begun by then: not at all
  std::unique_ptr<store::FillWriter> writer;
  std::shared_ptr<Told> told = std::make_shared<Told>();
};

Fills::Fills(Loop& loop, std::string root, std::string node, Tell tell, std::function<void()> rested)
    : loop_(loop),
      root_(std::move(root)),
      node_(std::move(node)),
      tell_(std::move(tell)),
      rested_(std::move(rested)) {}

Fills::~Fills() {
  *alive_ = false;
  loop_.cancel(tick_);
}

void Fills::start(const wire::SessionOpened& session, const std::string& run, const FillWish& wish,
                  int64_t grace_ms) {
  const Station station{session.event, session.station};
  const int64_t now_us = system_clock().mono_us();
  const int64_t until_us = now_us + (grace_ms - kFillSpareMs) * 1000;
  auto found = all_.find(station);
  if (run.empty()) {  // it has recorded nothing: what there is goes on
    if (found != all_.end()) found->second.until_us = until_us;
    return;
  }
  if (found != all_.end()) finish(found, "");
  if (!wish.wanted || until_us <= now_us) return;
  One& one = all_[station];
  one.id = ++last_id_;
  one.session = session;
  one.until_us = until_us;
  one.work = std::make_shared<Work>();
  one.work->id = one.id;
  one.work->settings = {root_, node_, session.event, session.station, run, wish.slates};
  one.work->last_start_us = now_us + kFillStartMs * 1000;
  if (tick_ == 0) tick_ = loop_.every_ms(kFillTickMs, [this] { tick(); });
  tick();
}

void Fills::stop(const Station& station) {
  if (auto found = all_.find(station); found != all_.end()) finish(found, "unpublish");
}

void Fills::stop_all() {
  while (!all_.empty()) finish(all_.begin(), "shutdown");
}

// In the thread: what the clock wants.
Fills::Report Fills::look(Work& work, int64_t now_us) {
  Report report{work.id};
  if (!work.writer) {
    auto started = store::FillWriter::start(
        work.settings, [told = work.told](const std::string& rendition, const playlist::Record& record) {
          ByteVector bytes;
          playlist::encode(record, bytes);
          told->emplace_back(rendition, std::move(bytes));
        });
    if (started) work.writer = *std::move(started);
    const int code = started ? 0 : started.error().code;
    if (!started && code == EBUSY && now_us < work.last_start_us) return report;
    if (!started) {
      report.outcome = code == ECANCELED ? Outcome::over : Outcome::failed;
      report.problem = started.error().message;
      return report;
    }
  }
  const auto goes_on = work.writer->advance();
  report.told = std::exchange(*work.told, {});
  if (!goes_on) {
    report.outcome = Outcome::failed;
    report.problem = goes_on.error().message;
  } else if (!*goes_on) {
    report.outcome = Outcome::over;
  }
  return report;
}

void Fills::tick() {
  const int64_t now_us = system_clock().mono_us();
  for (auto one = all_.begin(); one != all_.end();) {
    const auto next = std::next(one);
    if (now_us >= one->second.until_us) finish(one, "grace");
    one = next;
  }
  if (all_.empty() || looking_) return rest();
  looking_ = true;
  std::vector<std::shared_ptr<Work>> works;
  for (const auto& [station, one] : all_) works.push_back(one.work);
  thread_.run([this, alive = alive_, &loop = loop_, works = std::move(works), now_us] {
    std::vector<Report> reports;
    for (const auto& work : works) reports.push_back(look(*work, now_us));
    if (!*alive) return;
    loop.post([this, alive, reports = std::move(reports)]() mutable {
      if (*alive) take(std::move(reports));
    });
  });
}

void Fills::rest() {
  if (!all_.empty()) return;
  loop_.cancel(std::exchange(tick_, 0));
}

void Fills::take(std::vector<Report> reports) {
  looking_ = false;
  for (Report& report : reports) {
    for (One& ending : ending_)
      if (ending.id == report.id) tell(ending, report.told);
    const auto one = std::find_if(all_.begin(), all_.end(),
                                  [&](const auto& entry) { return entry.second.id == report.id; });
    if (one == all_.end()) continue;
    tell(one->second, report.told);
    if (report.outcome == Outcome::goes_on) continue;
    if (report.outcome == Outcome::failed)
      tools::log_notice("no fill: " + report.problem,
                        {{"STATION", one->second.session.station}, {"SESSION", one->second.session.session}});
    finish(one, report.outcome == Outcome::failed ? "failed" : "");
  }
  for (One& ending : std::exchange(ending_, {})) end(std::move(ending));
  if (active() == 0) rested_();
}

void Fills::tell(One& one, const Told& told) {
  wire::StreamRecords batch{one.session.session, one.session.event, one.session.station, {}, ""};
  const auto send = [&] {
    if (!batch.records.empty()) tell_(batch);
    batch.records.clear();
  };
  for (const auto& [rendition, record] : told) {
    if (rendition != batch.rendition || batch.records.size() + 4 + record.size() > wire::kMaxRecordsBytes)
      send();
    batch.rendition = rendition;
    ByteWriter writer(batch.records);
    writer.u32(record.size());
    writer.bytes(record);
    one.histories[rendition].add(record);
  }
  send();
}

void Fills::finish(std::map<Station, One>::iterator one, const std::string& reason) {
  One last = std::move(one->second);
  all_.erase(one);
  last.end_reason = reason;
  if (looking_)
    ending_.push_back(std::move(last));
  else
    end(std::move(last));
}

// What waits for a disk is let go of in the thread.
void Fills::end(One one) {
  if (!one.end_reason.empty()) {
    ByteVector end;
    playlist::encode(playlist::EndRecord{one.end_reason}, end);
    Told told;
    for (const auto& [rendition, history] : one.histories) told.emplace_back(rendition, end);
    tell(one, told);
  }
  thread_.run([work = std::move(one.work), reason = one.end_reason] {
    if (work->writer) work->writer->end(reason.empty() ? "continued" : reason);
    work->writer.reset();
  });
}

void Fills::replay(const std::function<void(const wire::StreamRecords&)>& send) const {
  for (const One& one : ending_) replay(one, send);
  for (const auto& [station, one] : all_) replay(one, send);
}

void Fills::replay(const One& one, const std::function<void(const wire::StreamRecords&)>& send) const {
  for (const auto& [rendition, history] : one.histories)
    history.replay([&, &name = rendition](ByteVector batch) {
      send({one.session.session, one.session.event, one.session.station, std::move(batch), name});
    });
}

}  // namespace headgate::worker
