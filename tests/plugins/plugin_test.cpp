// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugin_test.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace headgate::test {
namespace {

constexpr int kPollMs = 5;  // between two looks at a condition that nobody announces

}  // namespace

Pipeline::Pipeline(const std::string& launch) {
  GError* error = nullptr;
  GstElement* parsed = gst_parse_launch_full(launch.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!parsed) {
    ADD_FAILURE() << launch << ": " << (error ? error->message : "?");
    g_clear_error(&error);
    parsed = gst_pipeline_new(nullptr);
  }
  if (!GST_IS_PIPELINE(parsed)) {
    GstElement* pipeline = gst_pipeline_new(nullptr);
    gst_bin_add(GST_BIN(pipeline), parsed);
    parsed = pipeline;
  }
  pipeline_ = gst::Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(parsed)));
  const auto bus = gst::Ref<GstBus>::adopt(gst_element_get_bus(get()));
  gst_bus_set_sync_handler(bus.get(), on_message, this, nullptr);
}

Pipeline::~Pipeline() {
  stop();
  const auto bus = gst::Ref<GstBus>::adopt(gst_element_get_bus(get()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
}

GstBusSyncReply Pipeline::on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* self = static_cast<Pipeline*>(data);
  std::lock_guard lock(self->mutex_);
  self->messages_.push_back(gst::Ref<GstMessage>::adopt(message));
  self->changed_.notify_all();
  return GST_BUS_DROP;  // which leaves the reference to the handler
}

gst::Ref<GstElement> Pipeline::element(const char* name) const {
  auto found = gst::Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(get()), name));
  EXPECT_TRUE(found) << name;
  return found;
}

void Pipeline::play() {
  ASSERT_NE(gst_element_set_state(get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
}

void Pipeline::stop() {
  gst_element_set_state(get(), GST_STATE_NULL);
}

gst::Ref<GstMessage> Pipeline::wait(const Predicate& predicate, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::unique_lock lock(mutex_);
  for (size_t seen = 0;;) {
    for (; seen < messages_.size(); ++seen) {
      GstMessage* message = messages_[seen].get();
      if (predicate(message)) return messages_[seen];
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError* error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        ADD_FAILURE() << GST_MESSAGE_SRC_NAME(message) << ": " << error->message;
        g_clear_error(&error);
        return {};
      }
    }
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && seen == messages_.size()) return {};
  }
}

int Pipeline::count(const Predicate& predicate) {
  std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(messages_.begin(), messages_.end(),
                                        [&](const auto& message) { return predicate(message.get()); }));
}

Pipeline::Predicate Pipeline::is_type(GstMessageType type) {
  return [type](GstMessage* message) { return GST_MESSAGE_TYPE(message) == type; };
}

Pipeline::Predicate Pipeline::is_element(std::string name, std::string field, std::string value) {
  return [=](GstMessage* message) {
    if (!gst_message_has_name(message, name.c_str())) return false;
    return field.empty() || text_field(message, field.c_str()) == value;
  };
}

bool eventually(const std::function<bool()>& condition, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, kPollMs);
  }
  return true;
}

std::string text_field(GstMessage* message, const char* field) {
  const char* text = gst_structure_get_string(gst_message_get_structure(message), field);
  return text ? text : "";
}

uint64_t number_field(GstMessage* message, const char* field) {
  const GstStructure* structure = gst_message_get_structure(message);
  guint64 large = 0;
  guint small = 0;
  if (gst_structure_get_uint64(structure, field, &large)) return large;
  EXPECT_TRUE(gst_structure_get_uint(structure, field, &small)) << field;
  return small;
}

size_t Passed::count() {
  std::lock_guard lock(mutex);
  return buffers.size();
}

std::vector<gst::Ref<GstEvent>> Passed::events_of(GstEventType type) {
  std::lock_guard lock(mutex);
  std::vector<gst::Ref<GstEvent>> found;
  for (const auto& event : events)
    if (GST_EVENT_TYPE(event.get()) == type) found.push_back(event);
  return found;
}

size_t Passed::events_named(const char* name) {
  std::lock_guard lock(mutex);
  return static_cast<size_t>(std::count_if(events.begin(), events.end(), [name](const auto& event) {
    return gst_event_has_name(event.get(), name);
  }));
}

std::shared_ptr<Passed> watch_pad(GstPad* pad) {
  auto passed = std::make_shared<Passed>();
  const auto probe = +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
    Passed& self = **static_cast<std::shared_ptr<Passed>*>(data);
    std::lock_guard lock(self.mutex);
    const auto keep = [&self](GstBuffer* buffer) {
      self.buffers.push_back(gst::Ref<GstBuffer>::retain(buffer));
      if (self.on_buffer) self.on_buffer(GST_BUFFER_DTS(buffer));
    };
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
      keep(GST_PAD_PROBE_INFO_BUFFER(info));
    } else if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
      GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
      for (guint i = 0; i < gst_buffer_list_length(list); ++i) keep(gst_buffer_list_get(list, i));
    } else {
      self.events.push_back(gst::Ref<GstEvent>::retain(GST_PAD_PROBE_INFO_EVENT(info)));
    }
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(pad,
                    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
                                                 GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                    probe, new std::shared_ptr<Passed>(passed),
                    [](gpointer data) { delete static_cast<std::shared_ptr<Passed>*>(data); });
  return passed;
}

std::shared_ptr<Passed> watch_pad(const Pipeline& pipeline, const char* element, const char* pad) {
  const auto found =
      gst::Ref<GstPad>::adopt(gst_element_get_static_pad(pipeline.element(element).get(), pad));
  EXPECT_TRUE(found) << element << "." << pad;
  return found ? watch_pad(found.get()) : std::make_shared<Passed>();
}

std::vector<std::string> files_under(const std::string& folder, const std::string& suffix) {
  std::vector<std::string> files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().string().ends_with(suffix)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

size_t count_packets(const std::vector<std::string>& files, codec::Kind kind) {
  size_t count = 0;
  for (const std::string& file : files)
    for (const Packet& packet : probe_packets(file)) count += packet.kind == kind;
  return count;
}

size_t chain_lines(const std::string& folder, const std::string& text) {
  size_t count = 0;
  for (const std::string& file : files_under(folder, "run.jl")) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) count += line.find(text) != std::string::npos;
  }
  return count;
}

}  // namespace headgate::test

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // elements close connections that a test still writes to
  gst_init(&argc, &argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
