// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory for one message that comes in: not cleared when it begins, because a sender may begin large ones and
// send nothing of them, and not kept when it was large.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace headgate::ticketsrc {

class MessageBuffer {
 public:
  // `size` bytes of any content, in place of what was there.
  std::span<std::byte> take(size_t size) {
    if (size > room_) bytes_ = std::make_unique_for_overwrite<std::byte[]>(room_ = size);
    size_ = size;
    return bytes();
  }
  // The message is over.
  void give_back() {
    size_ = 0;
    if (room_ <= kKept) return;
    bytes_.reset();
    room_ = 0;
  }
  std::span<std::byte> bytes() { return {bytes_.get(), size_}; }

 private:
  static constexpr size_t kKept = 64 * 1024;
  std::unique_ptr<std::byte[]> bytes_;
  size_t size_ = 0, room_ = 0;
};

}  // namespace headgate::ticketsrc
