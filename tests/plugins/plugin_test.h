// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements in real pipelines: a pipeline whose messages are kept, waiting with a deadline, and publishers.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/unique_fd.h>

#include "common/ref.h"
#include "media_file.h"

namespace headgate::test {

inline constexpr int kPatienceMs = 60'000;  // of a loaded machine

// A pipeline from a launch line. Every message is kept, in order; nothing is taken from the bus.
class Pipeline {
 public:
  explicit Pipeline(const std::string& launch);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;

  GstElement* get() const { return pipeline_.get(); }
  gst::Ref<GstElement> element(const char* name) const;
  void play();
  void stop();  // NULL

  using Predicate = std::function<bool(GstMessage*)>;
  // The first message for which `predicate` holds, now or later; null after the deadline or on an error
  // message (which fails the test unless `predicate` wanted it).
  gst::Ref<GstMessage> wait(const Predicate& predicate, int timeout_ms = kPatienceMs);
  bool wait_eos() { return static_cast<bool>(wait(is_type(GST_MESSAGE_EOS))); }
  int count(const Predicate& predicate);

  static Predicate is_type(GstMessageType type);
  // An element message of this name, with this field's text if one is given.
  static Predicate is_element(std::string name, std::string field = {}, std::string value = {});

 private:
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer self);

  gst::Ref<GstElement> pipeline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<gst::Ref<GstMessage>> messages_;
};

// Waits until `condition` holds.
bool eventually(const std::function<bool()>& condition, int timeout_ms = kPatienceMs);

std::string text_field(GstMessage* message, const char* field);
uint64_t number_field(GstMessage* message, const char* field);

// Buffers and bytes that passed a pad.
struct Passed {
  std::mutex mutex;
  std::vector<gst::Ref<GstBuffer>> buffers;
  std::vector<gst::Ref<GstEvent>> events;
  std::function<void(GstClockTime dts)> on_buffer;  // set before data flows
  size_t count();
  std::vector<gst::Ref<GstEvent>> events_of(GstEventType type);
  size_t events_named(const char* name);
};
// Watches the element's static or existing pad.
std::shared_ptr<Passed> watch_pad(GstPad* pad);
std::shared_ptr<Passed> watch_pad(const Pipeline& pipeline, const char* element, const char* pad);

// Files under a folder whose names end so, sorted.
std::vector<std::string> files_under(const std::string& folder, const std::string& suffix);
// Packets of one kind that ffprobe counts in all of them.
size_t count_packets(const std::vector<std::string>& files, codec::Kind kind);
// Lines of all run.jl under a folder which contain this text.
size_t chain_lines(const std::string& folder, const std::string& text);

}  // namespace headgate::test
