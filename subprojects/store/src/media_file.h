// SPDX-License-Identifier: LGPL-2.1-or-later
// One media file of a run while it is being written: bytes, running hashes, frame index.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <base/sha256.h>
#include <base/sha256_pair.h>
#include <base/unique_fd.h>
#include <codec/frame_hash.h>
#include <fmp4/packager.h>

#include "records.h"

namespace headgate::store {

inline constexpr size_t kIndexEntryBytes = 16;
// The index goes out in whole pages once it holds so much (about 7 s of a phone's stream): a page written
// once is not written again.
inline constexpr size_t kIndexFlushBytes = 8 * 1024;
inline constexpr size_t kPageBytes = 4096;

// Makes the frames' hashes and their 16-byte entries: hash[0..8), pts minus the file's first pts (i32, 90
// kHz), flags and size (bit 31 audio, bit 30 key, 30 bits bytes).
class FrameIndexer {
 public:
  explicit FrameIndexer(const fmp4::Presentation& presentation);
  void add(std::span<const fmp4::Frame> frames, int64_t file_pts, ByteVector& entries);
  // SHA-256 over the hashes since the last call.
  Digest take_segment_hash() { return segment_.finish(); }

 private:
  void hash(std::span<const fmp4::Frame> frames);

  std::optional<codec::FrameHasher> video_, audio_;
  Sha256 segment_;
  // Of the frames at hand: what is hashed of each; those of which that is not one piece; the digests.
  std::vector<Bytes> messages_;
  std::vector<size_t> in_pieces_;
  std::vector<Digest> hashes_;
};

// Not thread-safe.
class MediaFile {
 public:
  struct Options {
    bool hashes = true;       // `sha` of segments and file
    bool frame_index = true;  // .fhx and `fh`
  };
  // Creates <directory>/<stem>.mp4.part with `init` in it.
  static Result<MediaFile> create(const std::string& directory, uint32_t index, Bytes init,
                                  const fmp4::Presentation& presentation, Options options);

  // One pwritev of `box` and the part behind what is there. After an error the bytes that went out stay where
  // they are, uncounted, and the file takes no more.
  Result<void> write(Bytes box, const fmp4::Part& part);

  uint32_t index() const { return index_; }
  const std::string& directory() const { return directory_; }
  uint64_t size() const { return size_; }  // counted bytes
  // Of the bytes since the last call; hex, empty when not kept.
  std::string take_segment_sha();
  std::string take_frame_sha();
  // No more writes: the rest of the index goes out.
  CloseLine finish();
  UniqueFd take_descriptor() { return std::move(media_); }

 private:
  enum : size_t { kSegment, kWhole };
  MediaFile() = default;
  void flush_index(size_t bytes);

  std::string directory_;
  uint32_t index_ = 0;
  UniqueFd media_;
  uint64_t size_ = 0;
  Options options_;
  Sha256Pair sha_;  // kSegment and kWhole: of the same bytes
  std::optional<int64_t> first_pts_;
  std::vector<iovec> scratch_;
  std::optional<FrameIndexer> indexer_;
  UniqueFd index_file_;
  ByteVector entries_;            // not yet in the index file
  uint64_t entries_written_ = 0;  // bytes
  bool index_broken_ = false;     // a write failed: made again from the media when it is needed
  Sha256 index_sha_;
};

}  // namespace headgate::store
