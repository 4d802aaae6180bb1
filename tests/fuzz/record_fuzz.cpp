// SPDX-License-Identifier: LGPL-2.1-or-later
// Records as they come from another process, each behind a 16-bit length, through an index into playlists.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <playlist/directives.h>
#include <playlist/hls.h>
#include <playlist/live_playlist.h>
#include <playlist/rendition_index.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void render(const playlist::StreamIndex& index) {
  using playlist::Addressing;
  using playlist::PlaylistType;
  for (const PlaylistType type : {PlaylistType::live, PlaylistType::event, PlaylistType::vod}) {
    playlist::MediaPlaylistSettings settings;
    settings.type = type;
    settings.addressing = type == PlaylistType::event ? Addressing::byte_range : Addressing::uri;
    require(playlist::media_playlist(index, settings).starts_with("#EXTM3U\n"));
  }
  (void)playlist::multivariant_playlist(index);
}

// What is kept of a playlist's text is what would be made anew.
void render_live(const playlist::StreamIndex& index, playlist::LivePlaylist& live) {
  for (const bool skip : {false, true}) {
    playlist::MediaPlaylistSettings settings;
    settings.directives = true;
    settings.skip = skip;
    require(live.text(index, settings) == playlist::media_playlist(index, settings));
  }
  if (const auto hint = playlist::hinted_part(index)) {
    require(!playlist::has(index, hint->msn, hint->index));
    require(!playlist::too_far_ahead(index, hint->msn, hint->index));
    require(index.find_part(hint->msn, hint->index) == nullptr);
  }
}

// What a rendition lists is in order, behind as many discontinuities as in its source.
void hold_to_source(const playlist::RenditionIndex& rendition, const playlist::StreamIndex& source) {
  require(playlist::media_playlist(rendition.index(), {}).starts_with("#EXTM3U\n"));
  const playlist::Segment* before = nullptr;
  for (const playlist::Segment& segment : rendition.index().segments()) {
    require(before == nullptr || before->record.msn < segment.record.msn);
    before = &segment;
    if (const playlist::Segment* same = source.find_segment(segment.record.msn))
      require(same->discontinuity_sequence == segment.discontinuity_sequence);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  playlist::IndexSettings settings;
  settings.window_ms = 20'000;
  settings.live_ms = 8'000;
  playlist::StreamIndex index(settings);
  playlist::RenditionIndex rendition(settings);
  playlist::LivePlaylist live;
  ByteReader reader(std::as_bytes(std::span(data, size)));
  while (reader.remaining() > 0) {
    const size_t length = reader.u16();
    const Bytes bytes = reader.bytes(std::min(length, reader.remaining()));
    if (!reader.ok()) break;
    const Result<playlist::Record> record = playlist::decode(bytes);
    if (!record) {
      require(!record.error().message.empty());
      continue;
    }
    ByteVector again;
    playlist::encode(*record, again);
    require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
    const uint64_t version = index.version();
    index.add(*record);
    require(index.version() >= version);
    // As if an encoder had said the same of a rendition of the stream.
    rendition.follow(index);
    rendition.add(*record, index);
    hold_to_source(rendition, index);
    require(index.live_begin() <= index.segments().size());
    if (!index.segments().empty()) {
      require(index.live_begin() < index.segments().size());
      const playlist::Segment& first = index.segments()[index.live_begin()];
      require(index.find_segment(first.record.msn) == &first);
      require(index.inits().contains(first.record.init_id));
    }
    render_live(index, live);
  }
  render(index);
  return 0;
}
