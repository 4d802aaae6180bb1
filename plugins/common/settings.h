// SPDX-License-Identifier: LGPL-2.1-or-later
// Properties: a struct of settings under the object lock, apart from the element's state.
#pragma once

#include <gst/gst.h>

#include <string>

namespace headgate::gst {

class ObjectLock {
 public:
  explicit ObjectLock(void* object) : object_(GST_OBJECT_CAST(object)) { GST_OBJECT_LOCK(object_); }
  ~ObjectLock() { GST_OBJECT_UNLOCK(object_); }
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;

 private:
  GstObject* object_;
};

// Whole settings at once, as the element works with them.
template <typename Settings>
Settings copy_settings(void* object, const Settings& settings) {
  ObjectLock lock(object);
  return settings;
}

inline std::string string_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}
// An empty string reads as NULL, as GStreamer's own elements have it.
inline void set_string(GValue* value, const std::string& text) {
  g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

inline std::string string_field(const GstStructure* structure, const char* name) {
  const char* text = structure ? gst_structure_get_string(structure, name) : nullptr;
  return text ? text : "";
}

// Flags of every property of ours.
inline constexpr auto kReadWrite =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
inline constexpr auto kReadOnly = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
inline constexpr auto kWriteOnly =
    static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

}  // namespace headgate::gst
