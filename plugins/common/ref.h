// SPDX-License-Identifier: LGPL-2.1-or-later
// Ref<T>: owns one reference to a GStreamer object or mini object. adopt() takes over a reference that the
// caller owns (transfer full), retain() adds one (transfer none); there is no conversion from a raw pointer,
// so that the choice is always written down.
#pragma once

#include <gst/gst.h>

#include <concepts>
#include <memory>
#include <utility>

namespace headgate::gst {

template <typename T>
concept MiniObject = std::same_as<T, GstBuffer> || std::same_as<T, GstBufferList> ||
    std::same_as<T, GstCaps> || std::same_as<T, GstEvent> || std::same_as<T, GstMemory> ||
    std::same_as<T, GstMessage> || std::same_as<T, GstQuery> || std::same_as<T, GstSample>;

template <typename T>
class Ref {
 public:
  Ref() = default;
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  static Ref retain(T* object) {
    if (object) acquire(object);
    return adopt(object);
  }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_) acquire(object_);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) drop(object_);
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* release() { return std::exchange(object_, nullptr); }  // to a function that takes ownership
  void reset() { *this = Ref(); }

 private:
  static void acquire(T* object) {
    if constexpr (MiniObject<T>)
      gst_mini_object_ref(GST_MINI_OBJECT_CAST(object));
    else
      gst_object_ref(object);
  }
  static void drop(T* object) {
    if constexpr (MiniObject<T>)
      gst_mini_object_unref(GST_MINI_OBJECT_CAST(object));
    else
      gst_object_unref(object);
  }
  T* object_ = nullptr;
};

// For a thread that does not keep the element alive.
class WeakElement {
 public:
  explicit WeakElement(GstElement* element) { g_weak_ref_init(&ref_, element); }
  ~WeakElement() { g_weak_ref_clear(&ref_); }
  WeakElement(const WeakElement&) = delete;
  WeakElement& operator=(const WeakElement&) = delete;
  Ref<GstElement> get() { return Ref<GstElement>::adopt(static_cast<GstElement*>(g_weak_ref_get(&ref_))); }

 private:
  GWeakRef ref_{};
};

// The C library's owned values, by unique_ptr with a stateless deleter.
template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* value) const {
    kFree(value);
  }
};
using StructurePtr = std::unique_ptr<GstStructure, Deleter<gst_structure_free>>;
using CharPtr = std::unique_ptr<char, Deleter<g_free>>;
using BytesPtr = std::unique_ptr<GBytes, Deleter<g_bytes_unref>>;

}  // namespace headgate::gst
