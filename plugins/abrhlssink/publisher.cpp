// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publisher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <base/io.h>
#include <playlist/hls.h>

namespace headgate::abrhlssink {
namespace {

// A segment stays this many lengths of a playlist after it left that: clients have old playlists (RFC
// 8216, 6.2.2).
constexpr int64_t kKeptWindows = 2;

}  // namespace

Result<void> replace_text(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  auto fd = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), as_bytes(text)); !written) return written;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary);
  return {};
}

Result<void> Publisher::note(const playlist::Record& record, const playlist::StreamIndex& index) {
  if (!settings_.own_media) return {};
  if (const auto* init = std::get_if<playlist::InitRecord>(&record)) {
    if (!files_.empty() && files_.back().name == init->file) return {};
    files_.push_back({init->file, noted_});
    return link_open_file(init->file);
  }
  if (const auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
    noted_ += segment->duration;
    if (!files_.empty()) files_.back().end = noted_;
    return remove_old(index);
  }
  return {};
}

// The store renames <file>.part to <file> when it is closed, which replaces the link.
Result<void> Publisher::link_open_file(const std::string& file) {
  const std::string path = settings_.location + "/" + file;
  const std::string target = file.substr(file.rfind('/') + 1) + ".part";
  if (::symlink(target.c_str(), path.c_str()) != 0 && errno != EEXIST) return errno_error("link " + path);
  return {};
}

// A playlist lists three target durations, however short its window is.
Result<void> Publisher::remove_old(const playlist::StreamIndex& index) {
  if (settings_.window_ms == 0) return {};
  const int64_t listed = std::max(settings_.window_ms * (playlist::kTimescale / 1000),
                                  int64_t{3} * index.target_seconds() * playlist::kTimescale);
  while (files_.size() > 1 && files_.front().end + listed * (kKeptWindows + 1) < noted_) {
    const std::string path = settings_.location + "/" + files_.front().name;
    files_.pop_front();
    // Both names: the store may not have given it the final one yet.
    for (const std::string& name : {path + ".part", path})
      if (::unlink(name.c_str()) != 0 && errno != ENOENT) return errno_error("remove " + name);
  }
  return {};
}

Result<void> Publisher::publish(const playlist::StreamIndex& index, bool ended) {
  if (settings_.location.empty()) return {};
  if (index.version() == published_version_ && ended == ended_) return {};
  if (index.segments().empty()) return {};
  const playlist::MediaPlaylistSettings media{
      .type = settings_.window_ms == 0 ? playlist::PlaylistType::event : playlist::PlaylistType::live,
      .addressing = playlist::Addressing::byte_range,
      .prefix = settings_.uri_prefix,
      .ended = ended};
  const std::string text = playlist::media_playlist(index, media);
  if (auto done = replace_text(settings_.location + "/" + settings_.media_name, text); !done) return done;
  published_version_ = index.version();
  ended_ = ended;
  return {};
}

}  // namespace headgate::abrhlssink
