// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <utility>

#include <base/bytes.h>
#include <base/holder.h>

#include "ref.h"

namespace headgate::gst {

// A buffer mapped for reading; owns a reference and the mapping. Empty when the mapping failed. Move only.
class MappedBuffer {
 public:
  explicit MappedBuffer(Ref<GstBuffer> buffer) : buffer_(std::move(buffer)) {
    if (buffer_ && !gst_buffer_map(buffer_.get(), &info_, GST_MAP_READ)) buffer_.reset();
  }
  MappedBuffer(MappedBuffer&& other) noexcept : buffer_(std::move(other.buffer_)), info_(other.info_) {}
  MappedBuffer& operator=(MappedBuffer&&) = delete;
  MappedBuffer(const MappedBuffer&) = delete;
  ~MappedBuffer() {
    if (buffer_) gst_buffer_unmap(buffer_.get(), &info_);
  }
  explicit operator bool() const { return static_cast<bool>(buffer_); }
  // Valid while this object or the Holder made of it lives.
  Bytes bytes() const {
    if (!buffer_) return {};
    return {reinterpret_cast<const std::byte*>(info_.data), info_.size};
  }
  // Hands the mapping to a library that knows no GStreamer. Of ordinary memory a reference is enough: it
  // keeps its place, and nobody may write to it or take it out of a buffer that is shared. So a frame of a
  // stream costs no allocation here, and no unmapping when its bytes have gone cold.
  Holder into_holder() && {
    if (buffer_ && gst_buffer_n_memory(buffer_.get()) == 1 &&
        gst_memory_is_type(gst_buffer_peek_memory(buffer_.get(), 0), GST_ALLOCATOR_SYSMEM)) {
      gst_buffer_unmap(buffer_.get(), &info_);
      return {buffer_.release(), [](void* self) { gst_buffer_unref(static_cast<GstBuffer*>(self)); }};
    }
    return {new MappedBuffer(std::move(*this)), [](void* self) { delete static_cast<MappedBuffer*>(self); }};
  }

 private:
  Ref<GstBuffer> buffer_;
  GstMapInfo info_ = GST_MAP_INFO_INIT;
};

}  // namespace headgate::gst
