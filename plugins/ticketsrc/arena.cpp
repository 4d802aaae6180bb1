// SPDX-License-Identifier: LGPL-2.1-or-later
#include "arena.h"

#include <algorithm>
#include <bit>
#include <map>

namespace headgate::ticketsrc {
namespace {

// What a block's memory hands back when its last frame is gone.
struct Lent {
  BlockPool* pool = nullptr;  // none: larger than any pool's blocks
  std::unique_ptr<std::byte[]> block;
};

void give_back(void* data) {
  const std::unique_ptr<Lent> lent(static_cast<Lent*>(data));
  if (lent->pool) lent->pool->give(std::move(lent->block));
}

}  // namespace

BlockPool* BlockPool::holding(size_t bytes) {
  const size_t size = std::bit_ceil(std::max(bytes, kSmallestBlock));
  if (size > kLargestBlock) return nullptr;
  // Never destroyed: frames may outlive everything else.
  static std::mutex mutex;
  static auto* pools = new std::map<size_t, BlockPool*>;
  std::lock_guard lock(mutex);
  BlockPool*& pool = (*pools)[size];
  if (!pool) pool = new BlockPool(size);
  return pool;
}

std::unique_ptr<std::byte[]> BlockPool::take() {
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto block = std::move(free_.back());
      free_.pop_back();
      return block;
    }
  }
  return std::unique_ptr<std::byte[]>(new std::byte[block_bytes_]);
}

void BlockPool::give(std::unique_ptr<std::byte[]> block) {
  std::lock_guard lock(mutex_);
  if ((free_.size() + 1) * block_bytes_ <= kMaxFreeBytes) free_.push_back(std::move(block));
}

std::span<std::byte> Arena::reserve(size_t size) {
  // Nobody else holds a frame of it: from the start again.
  if (block_ && GST_MINI_OBJECT_REFCOUNT_VALUE(block_.get()) == 1) used_ = 0;
  if (!block_ || capacity_ - used_ < size) new_block(std::max(size, block_bytes_));
  reserved_ = size;
  return {data_ + used_, size};
}

void Arena::new_block(size_t size) {
  auto lent = std::make_unique<Lent>();
  lent->pool = BlockPool::holding(size);
  capacity_ = lent->pool ? lent->pool->block_bytes() : size;
  lent->block = lent->pool ? lent->pool->take() : std::unique_ptr<std::byte[]>(new std::byte[size]);
  data_ = lent->block.get();
  used_ = 0;
  block_ = gst::Ref<GstMemory>::adopt(gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, data_, capacity_, 0,
                                                             capacity_, lent.release(), give_back));
}

gst::Ref<GstMemory> Arena::commit() {
  auto frame = gst::Ref<GstMemory>::adopt(
      gst_memory_share(block_.get(), static_cast<gssize>(used_), static_cast<gssize>(reserved_)));
  used_ += reserved_;
  reserved_ = 0;
  return frame;
}

}  // namespace headgate::ticketsrc
