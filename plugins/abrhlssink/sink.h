// SPDX-License-Identifier: LGPL-2.1-or-later
// What the element does, behind the GObject: from pads to the index, the playlists and the ladder.
//
// Lock order: Sink::mutex_ is a leaf, and not held over a call to anything else but the folder's files.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/encoded_input.h"
#include "folder.h"
#include "ladder_input.h"
#include "properties.h"
#include "raw_input.h"
#include "records_pad.h"

namespace headgate::abrhlssink {

class Sink {
 public:
  explicit Sink(GstElement* element);  // outlives this
  static void add_templates(GstElementClass* klass);

  Settings settings;  // object lock

  // The element's request_new_pad and release_pad.
  GstPad* request_pad(GstPadTemplate* templ, const char* name);
  void release_pad(GstPad* pad);

  // READY → PAUSED. False: an element error says why.
  bool start();
  // PAUSED → READY: before the pads' threads end, and after.
  void stop();
  void clear();

  // The ladder while it runs, else null. For any thread.
  std::shared_ptr<LadderInput> ladder();
  bool query_latency(GstQuery* query) const;
  bool send_upstream(GstEvent* event) const;  // takes ownership

 private:
  GstPad* refuse(const char* why) const;
  bool has_rungs() const;
  Result<void> all_encoded(const std::vector<ladder::Rung>& rungs) const;
  Result<void> start_ladder(const Settings& settings, bool own_media);
  bool start_input(const Settings& settings, bool own_media);
  std::set<std::string> expected_renditions(const Settings& settings, bool own_media) const;
  void start_folder(const Settings& settings, bool own_media);
  bool write_folder(const std::function<Result<void>(Folder&)>& add, bool ended);
  void take_timeline(const std::vector<playlist::Record>& records);
  void take_records(const std::string& rendition, const std::vector<playlist::Record>& records, bool ended);
  void take_source(const std::vector<playlist::Record>& records);
  void take_renditions(std::vector<Renditions::Out>&& outs);
  void deliver(std::vector<gst::Output>&& outputs);
  void end_one();
  void end_all();
  void finish();
  static void finish_later(GstElement* element, gpointer self);
  static void on_opened(GstElement* element, gpointer self);

  GstElement* const element_;
  gst::EncodedInput input_;  // encoded pads,
  RawInput raw_;             // or raw ones,
  RecordsPad records_;       // or this one, or with `rungs` this and encoded ones
  // With `rungs`, from READY → PAUSED and back: changed with the mutex while nothing streams, so that
  // streaming threads read it without.
  std::shared_ptr<LadderInput> ladder_;
  std::mutex mutex_;                // below
  std::unique_ptr<Folder> folder_;  // READY → PAUSED and back
  bool failing_ = false;            // playlists cannot be written: warned
  unsigned ends_ = 0;               // of records, of encoded and of raw pads that are still to come
};

}  // namespace headgate::abrhlssink
