// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sink.h"

#include <chrono>
#include <utility>

#include <base/io.h>

#include "bus.h"
#include "common/settings.h"
#include "common/trampoline.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

using gst::Output;
using gst::Ref;
using gst::trampoline;

namespace {

// At the end, a rendition's media waits so long for its run to be opened.
constexpr std::chrono::seconds kOpenWait{10};

}  // namespace

Sink::Sink(GstElement* element)
    : element_(element),
      input_(
          element, [this](std::vector<Output>&& outputs) { deliver(std::move(outputs)); },
          [this] { end_one(); }),
      raw_(
          element, [this](const std::vector<playlist::Record>& records) { take_timeline(records); },
          [this] { end_one(); }),
      records_(element, {[this](const std::vector<playlist::Record>& records) { take_source(records); },
                         [this](const store::StreamTime& time) {
                           if (ladder_) ladder_->source_time(time);
                         },
                         [this] { end_one(); }}) {}

void Sink::add_templates(GstElementClass* klass) {
  gst::EncodedInput::add_templates(klass);
  RawInput::add_templates(klass);
  RecordsPad::add_template(klass);
}

// With `rungs`, the source's frames come on encoded pads beside the records that tell where they were
// written.
bool Sink::has_rungs() const {
  return !gst::copy_settings(element_, settings).rungs.empty();
}

GstPad* Sink::refuse(const char* why) const {
  GST_WARNING_OBJECT(element_, "%s", why);
  return nullptr;
}

GstPad* Sink::request_pad(GstPadTemplate* templ, const char* name) {
  if (RawInput::is_template(templ)) {
    if (input_.has_pads() || records_.get()) return refuse("raw pads stand alone");
    return raw_.request_pad(templ);
  }
  if (raw_.has_pads()) return refuse("raw pads stand alone");
  if (RecordsPad::is_template(templ)) {
    if (input_.has_pads() && !has_rungs()) return refuse("records beside encoded pads only with rungs");
    return records_.request(templ);
  }
  if (records_.get() && !has_rungs()) return refuse("encoded pads beside records only with rungs");
  return input_.request_pad(templ, name);
}

void Sink::release_pad(GstPad* pad) {
  if (!records_.release(pad) && !raw_.release_pad(pad)) input_.release_pad(pad);
}

std::shared_ptr<LadderInput> Sink::ladder() {
  std::lock_guard lock(mutex_);
  return ladder_;
}

bool Sink::query_latency(GstQuery* query) const {
  if (records_.get()) return gst_pad_peer_query(records_.get(), query) == TRUE;
  return raw_.has_pads() ? raw_.query_latency(query) : input_.query_latency(query);
}

bool Sink::send_upstream(GstEvent* event) const {
  if (records_.get()) return gst_pad_push_event(records_.get(), event) == TRUE;
  return raw_.has_pads() ? raw_.send_upstream(event) : input_.send_upstream(event);
}

// Adds a rendition's records to its index (no name: the source), writes playlists, tells the application. A
// failure is told once until it is over.
void Sink::take_records(const std::string& rendition, const std::vector<playlist::Record>& records,
                        bool ended) {
  const auto add = [&](Folder& folder) {
    Result<void> result;
    for (const auto& record : records)
      if (auto added = folder.add(rendition, record); !added) result = Unexpected(added.error());
    return result;
  };
  if (write_folder(add, ended)) post_records(element_, rendition, records);
}

// Where segments of raw input lie, before the ladder's renditions follow.
void Sink::take_timeline(const std::vector<playlist::Record>& records) {
  const auto follow = [&](Folder& folder) {
    for (const auto& record : records) folder.follow(record);
    return Result<void>();
  };
  write_folder(follow, false);
}

// False: there is none.
bool Sink::write_folder(const std::function<Result<void>(Folder&)>& add, bool ended) {
  Result<void> result;
  bool tell = false;
  {
    std::lock_guard lock(mutex_);
    if (!folder_) return false;
    result = add(*folder_);
    if (auto published = folder_->publish(ended); !published) result = Unexpected(published.error());
    tell = !result && !failing_;
    failing_ = !result;
  }
  if (tell) warn(element_, result.error());
  return true;
}

// Of the source; the ladder's renditions follow it.
void Sink::take_source(const std::vector<playlist::Record>& records) {
  if (records.empty()) return;
  take_records("", records, false);
  if (ladder_) ladder_->source_records(records);
}

void Sink::take_renditions(std::vector<Renditions::Out>&& outs) {
  for (const Renditions::Out& out : outs) {
    if (!out.error.empty()) warn(element_, {0, out.rendition + ": " + out.error});
    if (!out.records.empty()) take_records(out.rendition, out.records, false);
  }
}

// What the encoded pads' recorder gave.
void Sink::deliver(std::vector<Output>&& outputs) {
  using gst::Notice;
  std::vector<playlist::Record> records;
  for (Output& output : outputs) {
    if (auto* record = std::get_if<playlist::Record>(&output)) {
      records.push_back(std::move(*record));
      continue;
    }
    if (const auto* time = std::get_if<store::StreamTime>(&output)) {
      take_source(std::exchange(records, {}));
      if (ladder_) ladder_->source_time(*time);
      continue;
    }
    const Notice& notice = std::get<Notice>(output);
    if (notice.kind == Notice::Kind::lost) warn(element_, {notice.code, notice.text});
    if (notice.kind == Notice::Kind::failed)
      GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_WRITE, ("%s", notice.text.c_str()), (nullptr));
    if (notice.kind == Notice::Kind::refused)
      GST_WARNING_OBJECT(element_, "frame left out: %s", notice.text.c_str());
  }
  take_source(records);
}

void Sink::finish() {
  take_records("", {}, true);
  gst_element_post_message(element_, gst_message_new_eos(GST_OBJECT_CAST(element_)));
}

// On a thread of GStreamer's, which may wait.
void Sink::finish_later(GstElement*, gpointer data) {
  auto& self = *static_cast<Sink*>(data);
  const auto ladder = self.ladder();
  if (ladder && ladder->ladder().renditions().settle(kOpenWait)) self.finish();
}

// A rung's run may still be on its way to be opened: the stream was short, or the disk is slow.
void Sink::end_all() {
  Renditions& renditions = ladder_->ladder().renditions();
  renditions.advance();
  if (renditions.settled()) return finish();
  gst_element_call_async(element_, trampoline<&Sink::finish_later>, this, nullptr);
}

// A rendition's run was opened.
void Sink::on_opened(GstElement*, gpointer data) {
  if (const auto ladder = static_cast<Sink*>(data)->ladder()) ladder->ladder().renditions().advance();
}

// The end of records, or of the other pads; the last one of them is the element's, once encoders have given
// what they have.
void Sink::end_one() {
  {
    std::lock_guard lock(mutex_);
    if (ends_ > 0 && --ends_ > 0) return;
  }
  if (!ladder_) return finish();
  ladder_->when_drained([this] { end_all(); });
}

// Encoders give no more once streaming threads stand still; what the renditions have is told before their
// indexes go.
void Sink::stop() {
  if (ladder_) ladder_->release();
  input_.stop();
}

// The ladder not with the mutex: what it gives last takes that.
void Sink::clear() {
  raw_.stop();
  if (const auto running = ladder()) running->stop();
  std::lock_guard lock(mutex_);
  ladder_.reset();
  folder_.reset();
}

}  // namespace headgate::abrhlssink
