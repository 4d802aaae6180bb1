// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pictures.h"

#include <playlist/storyboard.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace headgate::origin {
namespace {

constexpr char kTypeJpeg[] = "image/jpeg";
constexpr char kTypeVtt[] = "text/vtt; charset=utf-8";
constexpr char kNoPicture[] = "There is no such picture.";

}  // namespace

Result<Bytes> picture_in(Bytes segment) {
  constexpr size_t kHeader = 8;
  constexpr uint32_t kMdat = 0x6d646174;
  while (segment.size() >= kHeader) {
    ByteReader reader(segment);
    const uint32_t size = reader.u32(), type = reader.u32();
    if (size < kHeader || size > segment.size()) break;
    if (type == kMdat) return segment.subspan(kHeader, size - kHeader);
    segment = segment.subspan(size);
  }
  return Unexpected(ENODATA, "no picture in its segment");
}

const playlist::SegmentRecord* newest_picture(const Stream& stream) {
  const Rendition* pictures = stream.rendition(kPictures);
  if (!pictures) return nullptr;
  const auto& all = pictures->live.index().segments();
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [](const auto& segment) { return segment.record.length > 0; });
  return found == all.rend() ? nullptr : &found->record;
}

bool Pictures::answer(const AnswerPtr& answer, uint32_t station, const std::string& name) {
  if (name == "poster.jpg")
    poster(answer, station);
  else if (name == "storyboard.vtt")
    storyboard(answer, station);
  else
    return false;
  return true;
}

bool Pictures::answer_track(const AnswerPtr& answer, uint32_t station, const std::string& name,
                            const std::string& query) {
  if (name == "media.m3u8") {
    catalog_.with_loaded(station, [this, answer, query](Stream* stream) {
      Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
      if (!track) return answer->send(not_there_reply(kNoPicture));
      const LiveEnd end(*stream, *track);
      live_.when_there(answer, end, query, [answer, end](bool skip, bool unique) {
        LiveEdge::Which which;
        which.pictures = true;
        which.skip = skip;
        Live::send_playlist(answer, end, which, unique);
      });
    });
    return true;
  }
  if (name == "replay.m3u8") {
    catalog_.with_replay(station, [answer](Stream* stream) {
      Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
      if (!track || !track->replay) return answer->send(not_there_reply(kNoPicture));
      answer->send(playlist_reply(stream->replay_playlist(*track, true)));
    });
    return true;
  }
  constexpr std::string_view kEnding = ".jpg";
  if (!name.ends_with(kEnding)) return false;
  uint64_t msn = 0;
  const char* const digits_end = name.data() + name.size() - kEnding.size();
  const auto [end, error] = std::from_chars(name.data(), digits_end, msn);
  if (error != std::errc() || end != digits_end || playlist::picture_uri(msn) != name) return false;
  picture(answer, station, msn);
  return true;
}

void Pictures::picture(const AnswerPtr& answer, uint32_t station, uint64_t msn) {
  auto send_from = [this, answer, msn](const playlist::StreamIndex& pictures) {
    const playlist::Segment* found = pictures.find_segment(msn);
    if (!found || found->record.length == 0) return false;
    send(answer, found->record, kCacheForever);
    return true;
  };
  catalog_.with_loaded(station, [this, answer, station, msn, send_from](Stream* stream) {
    const Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
    if (!track) return answer->send(not_there_reply(kNoPicture));
    if (send_from(track->live.index())) return;
    // The source's numbers: pictures have the same, and come behind it.
    if (msn >= stream->index().next_msn().value_or(0)) return answer->send(not_there_reply(kNoPicture));
    catalog_.with_replay(station, [answer, send_from](Stream* whole) {
      const Rendition* all = whole ? whole->rendition(kPictures) : nullptr;
      if (!all || !all->replay || !send_from(all->replay->index())) answer->send(not_there_reply(kNoPicture));
    });
  });
}

void Pictures::poster(const AnswerPtr& answer, uint32_t station) {
  catalog_.with_loaded(station, [this, answer](Stream* stream) {
    const playlist::SegmentRecord* newest = stream ? newest_picture(*stream) : nullptr;
    if (!newest) return answer->send(not_there_reply(kNoPicture));
    send(answer, *newest, kCacheRevalidate);
  });
}

void Pictures::storyboard(const AnswerPtr& answer, uint32_t station) {
  catalog_.with_replay(station, [answer](Stream* stream) {
    Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
    if (!track || !track->replay) return answer->send(not_there_reply(kNoPicture));
    // With pictures, and with the stream's segments; not with its parts.
    const KeptText::Version version{track->replay->version(), stream->replay()->next_msn().value_or(0),
                                    stream->replay()->epoch(), 0};
    Reply reply = playlist_reply(track->storyboard.get(version, [&] {
      return playlist::storyboard(*stream->replay(), track->replay->index(), std::string(kPictures) + "/");
    }));
    reply.type = kTypeVtt;
    answer->send(std::move(reply));
  });
}

void Pictures::send(const AnswerPtr& answer, const playlist::SegmentRecord& record, const char* cache) {
  if (record.length > kMaxPictureBytes) return answer->send(not_there_reply(kNoPicture));
  const auto range = media_.find(record.file, record.offset, record.length);
  if (!range) return answer->send(media_error_reply(range.error()));
  const std::string etag = "\"" + std::to_string(record.utc_us) + "-" + std::to_string(record.length) + "\"";
  media_.read(*range, [answer, cache, etag](Result<BytesPtr> bytes) {
    if (!bytes) return answer->send(media_error_reply(bytes.error()));
    gsize size = 0;
    const auto* data = static_cast<const std::byte*>(g_bytes_get_data(bytes->get(), &size));
    const auto jpeg = picture_in(Bytes(data, size));
    if (!jpeg) return answer->send(media_error_reply(jpeg.error()));
    Reply reply;
    reply.type = kTypeJpeg;
    reply.cache = cache;
    reply.any_origin = true;
    reply.etag = etag;
    reply.body.reset(
        g_bytes_new_from_bytes(bytes->get(), static_cast<gsize>(jpeg->data() - data), jpeg->size()));
    answer->send(std::move(reply));
  });
}

}  // namespace headgate::origin
