// SPDX-License-Identifier: LGPL-2.1-or-later
#include "troubled_element.h"

#include <playlist/record.h>
#include <wire/messages.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace headgate::worker::trouble {
namespace {

std::mutex mutex;
std::condition_variable changed;
bool hanging = false;
std::atomic<Archive> archive_now = Archive::well;

struct Troubled {
  GstElement parent;
};
struct TroubledClass {
  GstElementClass parent;
};

gpointer parent_class = nullptr;

void post_archive(GstElement* element) {
  const Archive archive = archive_now;
  if (archive == Archive::well) return;
  const gboolean broken = archive == Archive::disk_broken;
  GstStructure* fields =
      gst_structure_new("headgate-archive", "state", G_TYPE_STRING, "lost", "reason", G_TYPE_STRING,
                        "the disk fails", "code", G_TYPE_INT, EIO, "broken", G_TYPE_BOOLEAN, broken, nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
  if (!broken)
    GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE, ("Not recorded at \"%s\": the disk fails", kAddress),
                      (nullptr));
}

// As an element does that encodes renditions: it says that this one is being encoded, or, asked for kPaused,
// that it cannot be.
void on_want(GstElement* element, const char* rendition) {
  const bool paused = std::string_view(rendition) == kPaused;
  playlist::RenditionRecord told;
  told.height = 720;
  if (paused) told.state = playlist::RenditionState::paused;
  ByteVector record, records;
  playlist::encode(told, record);
  ByteWriter writer(records);
  writer.u32(record.size());
  writer.bytes(record);
  GBytes* bytes = g_bytes_new(records.data(), records.size());
  GstStructure* fields = gst_structure_new("headgate-records", "records", G_TYPE_BYTES, bytes, "rendition",
                                           G_TYPE_STRING, rendition, nullptr);
  g_bytes_unref(bytes);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
  if (!paused) return;
  fields = gst_structure_new("headgate-ladder", "rendition", G_TYPE_STRING, rendition, "state", G_TYPE_STRING,
                             "paused", "reason", G_TYPE_STRING, "it is slow", "cause", G_TYPE_STRING,
                             "processors", nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
}

void post_picture(GstElement* element, const void* data, size_t size) {
  GBytes* bytes = g_bytes_new(data, size);
  GstStructure* fields = gst_structure_new("headgate-picture", "pad", G_TYPE_STRING, "sink_0", "jpeg",
                                           G_TYPE_BYTES, bytes, nullptr);
  g_bytes_unref(bytes);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), fields));
}

// As an element does that makes pictures; but the first that it makes is too large to be told.
void on_want_picture(GstElement* element) {
  const ByteVector large(wire::kMaxPictureBytes + 1);
  post_picture(element, large.data(), large.size());
  post_picture(element, kPicture, sizeof kPicture - 1);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) post_archive(element);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return !hanging; });
  }
  return GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
}

void class_init(gpointer klass, gpointer) {
  parent_class = g_type_class_peek_parent(klass);
  GST_ELEMENT_CLASS(klass)->change_state = change_state;
  g_signal_new_class_handler("want-rendition", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(on_want), nullptr, nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  g_signal_new_class_handler("want-picture", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(on_want_picture), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Troubled", "Test", "Makes trouble",
                                        "tests");
}

}  // namespace

void register_troubled() {
  static const GType type =
      g_type_register_static_simple(GST_TYPE_ELEMENT, "HeadgateTestTroubled", sizeof(TroubledClass),
                                    class_init, sizeof(Troubled), nullptr, static_cast<GTypeFlags>(0));
  gst_element_register(nullptr, "troubled", GST_RANK_NONE, type);
}

void hang_at_the_end() {
  std::lock_guard lock(mutex);
  hanging = true;
}

void let_go() {
  std::lock_guard lock(mutex);
  hanging = false;
  changed.notify_all();
}

void archive_is(Archive archive) {
  archive_now = archive;
}

}  // namespace headgate::worker::trouble
