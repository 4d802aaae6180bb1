// SPDX-License-Identifier: LGPL-2.1-or-later
#include "arena.h"

namespace headgate::ticketsrc {
namespace {

// What a block's memory hands back when its last frame is gone.
struct Lent {
  std::shared_ptr<BlockPool> pool;  // none: larger than the pool's blocks
  std::unique_ptr<std::byte[]> block;
};

void give_back(void* data) {
  auto* lent = static_cast<Lent*>(data);
  if (lent->pool) lent->pool->give(std::move(lent->block));
  delete lent;
}

}  // namespace

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
  if (free_.size() < kMaxFree) free_.push_back(std::move(block));
}

Arena::Arena(size_t block_bytes) : pool_(std::make_shared<BlockPool>(block_bytes)) {}

std::span<std::byte> Arena::reserve(size_t size) {
  // Nobody else holds a frame of it: from the start again.
  if (block_ && GST_MINI_OBJECT_REFCOUNT_VALUE(block_.get()) == 1) used_ = 0;
  if (!block_ || capacity_ - used_ < size) new_block(size);
  reserved_ = size;
  return {data_ + used_, size};
}

void Arena::new_block(size_t size) {
  auto lent = std::make_unique<Lent>();
  if (size <= pool_->block_bytes()) {
    lent->block = pool_->take();
    lent->pool = pool_;
    capacity_ = pool_->block_bytes();
  } else {
    lent->block.reset(new std::byte[size]);
    capacity_ = size;
  }
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
