// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_file.h"

#include <base/encoding.h>
#include <base/io.h>
#include <fcntl.h>
#include <fmp4/reader.h>

#include <algorithm>
#include <limits>

#include "layout.h"

namespace headgate::store {
namespace {

constexpr uint32_t kAudioFlag = 1u << 31;
constexpr uint32_t kKeyFlag = 1u << 30;
constexpr size_t kHashBytes = 8;

}  // namespace

FrameIndexer::FrameIndexer(const fmp4::Presentation& presentation) {
  if (presentation.video) video_.emplace(*presentation.video);
  if (presentation.audio) audio_.emplace(*presentation.audio);
}

void FrameIndexer::hash(std::span<const fmp4::Frame> frames) {
  messages_.clear();
  in_pieces_.clear();
  for (size_t i = 0; i < frames.size(); ++i) {
    auto& hasher = frames[i].kind == codec::Kind::audio ? audio_ : video_;
    const std::optional<Bytes> message = hasher ? hasher->message(frames[i].data) : frames[i].data;
    if (!message) in_pieces_.push_back(i);
    messages_.push_back(message.value_or(Bytes{}));
  }
  hashes_.resize(frames.size());
  sha256_of_all(messages_, hashes_);
  for (const size_t i : in_pieces_) {
    auto& hasher = frames[i].kind == codec::Kind::audio ? audio_ : video_;
    hashes_[i] = hasher->hash(frames[i].data);
  }
}

void FrameIndexer::add(std::span<const fmp4::Frame> frames, int64_t file_pts, ByteVector& entries) {
  hash(frames);
  ByteWriter writer(entries);
  for (size_t i = 0; i < frames.size(); ++i) {
    const fmp4::Frame& frame = frames[i];
    const bool audio = frame.kind == codec::Kind::audio;
    segment_.update(hashes_[i]);
    int64_t pts = std::clamp<int64_t>(frame.pts - file_pts, INT32_MIN, INT32_MAX);
    writer.bytes(Bytes(hashes_[i]).first(kHashBytes));
    writer.u32(static_cast<uint32_t>(static_cast<int32_t>(pts)));
    auto size = static_cast<uint32_t>(std::min<size_t>(frame.data.size(), kKeyFlag - 1));
    writer.u32(size | (audio ? kAudioFlag : 0) | (frame.key ? kKeyFlag : 0));
  }
}

Result<MediaFile> MediaFile::create(const std::string& directory, uint32_t index, Bytes init,
                                    const fmp4::Presentation& presentation, Options options) {
  MediaFile file;
  file.directory_ = directory;
  file.index_ = index;
  file.options_ = options;
  std::string stem = directory + "/" + file_stem(index);
  auto media = open_file(stem + ".mp4.part", O_WRONLY | O_CREAT | O_EXCL);
  if (!media) return Unexpected(media.error());
  file.media_ = std::move(*media);
  iovec span{const_cast<std::byte*>(init.data()), init.size()};
  if (auto written = pwritev_all(file.media_.get(), {&span, 1}, 0); !written) {
    // Nothing was recorded of it and nobody was told: an empty name would only be in the way.
    ::unlink((stem + ".mp4.part").c_str());
    return Unexpected(written.error());
  }
  file.size_ = init.size();
  if (options.hashes) {
    file.sha_.update(init);
    (void)file.sha_.finish(kSegment);  // it is of no segment
  }
  if (options.frame_index) {
    file.indexer_.emplace(presentation);
    auto index_file = open_file(stem + ".fhx", O_WRONLY | O_CREAT | O_EXCL);
    file.index_broken_ = !index_file;
    if (index_file) file.index_file_ = std::move(*index_file);
  }
  return file;
}

Result<void> MediaFile::write(Bytes box, const fmp4::Part& part) {
  auto spans = [&](auto each) {
    each(box);
    for (const iovec& span : part.spans)
      each(Bytes(static_cast<const std::byte*>(span.iov_base), span.iov_len));
  };
  scratch_.clear();
  spans([&](Bytes span) { scratch_.push_back({const_cast<std::byte*>(span.data()), span.size()}); });
  if (auto written = pwritev_all(media_.get(), scratch_, size_); !written) return written;
  size_ += box.size() + part.length;
  if (options_.hashes) spans([&](Bytes span) { sha_.update(span); });
  if (!first_pts_) first_pts_ = part.pts;
  if (indexer_) {
    indexer_->add(part.frames, *first_pts_, entries_);
    if (entries_.size() >= kIndexFlushBytes) flush_index(entries_.size() / kPageBytes * kPageBytes);
  }
  return {};
}

void MediaFile::flush_index(size_t bytes) {
  Bytes out = Bytes(entries_).first(bytes);
  index_sha_.update(out);
  iovec span{const_cast<std::byte*>(out.data()), out.size()};
  if (!index_broken_) index_broken_ = !pwritev_all(index_file_.get(), {&span, 1}, entries_written_);
  entries_written_ += bytes;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(bytes));
}

std::string MediaFile::take_segment_sha() {
  return options_.hashes ? to_hex(sha_.finish(kSegment)) : "";
}

std::string MediaFile::take_frame_sha() {
  return indexer_ ? to_hex(indexer_->take_segment_hash()) : "";
}

CloseLine MediaFile::finish() {
  CloseLine line;
  line.file = index_;
  line.size = size_;
  if (options_.hashes) line.sha = to_hex(sha_.finish(kWhole));
  if (indexer_) {
    flush_index(entries_.size());
    if (!index_broken_) line.index_sha = to_hex(index_sha_.finish());
    index_file_.reset();
  }
  return line;
}

}  // namespace headgate::store
