// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a track's payload is put, once: consecutive frames lie behind each other in blocks, each frame is a
// sub-memory of its block, and a block is used again when nobody holds any of its frames: by any stream of
// the process, the one that was given back last first, because it is still in the processor's caches.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/ref.h"

namespace headgate::ticketsrc {

// Blocks of one size that nobody uses at the moment. Thread-safe: frames die where they were last used.
class BlockPool {
 public:
  // The process's pool of the smallest blocks that hold so much, by powers of two. None over kLargestBlock.
  static BlockPool* holding(size_t bytes);
  size_t block_bytes() const { return block_bytes_; }
  std::unique_ptr<std::byte[]> take();
  void give(std::unique_ptr<std::byte[]> block);

 private:
  static constexpr size_t kSmallestBlock = 4096, kLargestBlock = 1 << 20;
  static constexpr size_t kMaxFreeBytes = 4 << 20;  // of one size; what comes back beyond it is freed
  explicit BlockPool(size_t block_bytes) : block_bytes_(block_bytes) {}

  const size_t block_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<std::byte[]>> free_;
};

// Not thread-safe. One reservation at a time.
class Arena {
 public:
  // Blocks hold at least `block_bytes`; a frame larger than that gets one of its own.
  explicit Arena(size_t block_bytes) : block_bytes_(block_bytes) {}
  // Room for `size` bytes, all in one block; replaces a reservation that was not committed.
  std::span<std::byte> reserve(size_t size);
  // The reserved bytes as a memory. Read only.
  gst::Ref<GstMemory> commit();

 private:
  void new_block(size_t size);

  const size_t block_bytes_;
  gst::Ref<GstMemory> block_;  // the one being filled
  std::byte* data_ = nullptr;  // its bytes
  size_t capacity_ = 0;
  size_t used_ = 0;      // committed
  size_t reserved_ = 0;  // behind used_
};

}  // namespace headgate::ticketsrc
