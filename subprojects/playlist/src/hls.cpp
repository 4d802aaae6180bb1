// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/hls.h>
#include <playlist/multivariant.h>

#include <utility>

#include "media_writer.h"
#include "text.h"

namespace headgate::playlist {

std::string init_uri(const std::string& init_id) {
  return "init-" + escaped(init_id) + ".mp4";
}

std::string segment_uri(uint64_t msn) {
  return std::to_string(msn) + ".m4s";
}

std::string part_uri(uint64_t msn, uint32_t index) {
  return std::to_string(msn) + "." + std::to_string(index) + ".m4s";
}

std::string media_playlist(const StreamIndex& index, const MediaPlaylistSettings& settings) {
  const MediaWriter writer(index, settings);
  std::string out;
  const size_t skipped = writer.skipped();
  writer.head(out, skipped);
  writer.tail(out, writer.begin() + skipped);
  return out;
}

std::string multivariant_playlist(const StreamIndex& index, const MultivariantSettings& settings) {
  Multivariant all;
  if (auto variant = variant_of(index, settings.media_uri, settings.ended))
    all.variants.push_back(*std::move(variant));
  return multivariant_playlist(all);
}

}  // namespace headgate::playlist
