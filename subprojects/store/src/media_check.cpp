// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_check.h"

#include <base/encoding.h>
#include <base/io.h>
#include <fmp4/reader.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "layout.h"
#include "media_file.h"
#include "run_scan.h"

namespace headgate::store {
namespace {

constexpr size_t kStep = 1u << 20;
constexpr int kMaxKeptIndexes = 1000;

// SHA-256 of [from, to), also into `whole` when given.
Result<std::string> hash_range(int fd, uint64_t from, uint64_t to, Sha256* whole) {
  Sha256 range;
  while (from < to) {
    auto bytes = pread_exact(fd, from, std::min<uint64_t>(kStep, to - from));
    if (!bytes) return Unexpected(bytes.error());
    range.update(*bytes);
    if (whole != nullptr) whole->update(*bytes);
    from += bytes->size();
  }
  return to_hex(range.finish());
}

Result<void> check_hashes(int fd, const RecordedFile& file, MediaCheck& check) {
  Sha256 whole;
  uint64_t at = 0;
  auto advance = [&](uint64_t to) -> Result<std::string> {
    auto sha = hash_range(fd, at, std::max(at, to), &whole);
    at = std::max(at, to);
    return sha;
  };
  if (file.init) {
    auto sha = advance(std::min(file.init->length, check.attested));
    if (!sha) return Unexpected(sha.error());
  }
  for (const auto& [n, frag] : file.frags) {
    if (frag.offset + frag.length > check.attested || frag.offset < at) {
      check.bad.push_back(n);
      continue;
    }
    if (auto before = advance(frag.offset); !before) return Unexpected(before.error());
    auto sha = advance(frag.offset + frag.length);
    if (!sha) return Unexpected(sha.error());
    if (*sha != frag.sha) check.bad.push_back(n);
  }
  if (auto rest = advance(check.attested); !rest) return Unexpected(rest.error());
  check.sha = to_hex(whole.finish());
  auto tail = hash_range(fd, check.attested, check.size, nullptr);
  if (!tail) return Unexpected(tail.error());
  check.tail_sha = *tail;
  return {};
}

// The index that was made while the media was received stays: beside the new one, unless that says all of it
// and more. What is in it of media that is damaged now cannot be made again.
Result<void> keep_index(const std::string& path, Bytes replacement) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return Unexpected(file.error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return errno_error("stat " + path);
  auto size = static_cast<uint64_t>(info.st_size);
  if (size <= replacement.size()) {
    auto found = pread_exact(file->get(), 0, size);
    if (!found) return Unexpected(found.error());
    if (std::ranges::equal(*found, replacement.first(size))) return {};
  }
  for (int k = 0; k < kMaxKeptIndexes; ++k) {
    std::string kept = path + ".found-" + std::to_string(k);
    if (::link(path.c_str(), kept.c_str()) == 0) {
      if (::fchmod(file->get(), 0440) != 0) return errno_error("chmod " + kept);
      return {};
    }
    if (errno != EEXIST) return errno_error("link " + kept);
  }
  return Unexpected(EEXIST, path + ": too many kept indexes");
}

// The index of what is recorded, from the media: the one on disk ends up to ten seconds earlier.
Result<std::string> make_index(const std::string& path, int fd, const RecordedFile& file,
                               const MediaCheck& check) {
  auto source = fmp4::source_of_file(fd);
  if (!source) return Unexpected(source.error());
  auto init = fmp4::read_init(*source);
  if (!init) return Unexpected(init.error());
  FrameIndexer indexer(init->presentation);
  ByteVector entries;
  std::optional<int64_t> first_pts;
  for (const auto& [n, frag] : file.frags) {
    if (std::ranges::find(check.bad, n) != check.bad.end()) continue;
    for (const PartInfo& part : frag.parts) {
      if (!first_pts) first_pts = part.pts;
      for (const playlist::ChunkRange& range : part.chunks) {
        fmp4::Source chunk_only{source->read, range.offset + range.length};
        fmp4::ChunkWalker walker(chunk_only, range.offset);
        auto chunk = walker.next();
        if (!chunk) return Unexpected(walker.reason());
        auto samples = fmp4::read_samples(chunk_only, *chunk);
        if (!samples) return Unexpected(samples.error());
        const auto& track =
            chunk->track_id == fmp4::kVideoTrackId ? init->presentation.video : init->presentation.audio;
        if (!track) return Unexpected("a chunk of a track that the file does not have");
        for (const fmp4::SampleInfo& sample : *samples) {
          auto bytes = pread_exact(fd, sample.offset, sample.size);
          if (!bytes) return Unexpected(bytes.error());
          int64_t pts = fmp4::to_part_ticks(sample.pts, track->timescale);
          const fmp4::Frame frame{track->kind, *bytes, pts, sample.is_sync};
          indexer.add({&frame, 1}, *first_pts, entries);
        }
      }
    }
  }
  if (auto kept = keep_index(path, entries); !kept) return Unexpected(kept.error());
  if (auto written = replace_file(path, entries); !written) return Unexpected(written.error());
  return to_hex(sha256(entries));
}

}  // namespace

MediaCheck check_media(const std::string& directory, uint32_t index, const RecordedFile& file, bool hashes) {
  MediaCheck check;
  auto media = open_media(directory, index);
  if (!media) {
    check.problem = media.error().message;
    return check;
  }
  auto source = fmp4::source_of_file(media->get());
  if (!source) {
    check.problem = source.error().message;
    return check;
  }
  check.size = source->size;
  check.attested = std::min(file.end, check.size);
  if (!hashes) return check;
  if (auto checked = check_hashes(media->get(), file, check); !checked)
    check.problem = checked.error().message;
  std::string path = directory + "/" + file_stem(index) + ".fhx";
  if (!file.init || !check.problem.empty() || ::access(path.c_str(), F_OK) != 0) return check;
  auto made = make_index(path, media->get(), file, check);
  if (made)
    check.index_sha = *made;
  else
    check.problem = made.error().message;
  return check;
}

}  // namespace headgate::store
