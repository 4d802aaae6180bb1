// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pictures.h"

#include <playlist/storyboard.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace headgate::origin {
namespace {

constexpr char kTypeJpeg[] = "image/jpeg";
constexpr char kTypeVtt[] = "text/vtt; charset=utf-8";
constexpr uint64_t kMaxSheetNumber = UINT64_MAX / playlist::kSheetPictures;
constexpr char kNoSheet[] = "There is no such sheet, or some of its pictures are still to come.";

// "<front>N.jpg", as our own names have it.
std::optional<uint64_t> number_in(std::string_view name, std::string_view front) {
  constexpr std::string_view kEnding = ".jpg";
  if (!name.starts_with(front) || !name.ends_with(kEnding) || name.size() <= front.size() + kEnding.size())
    return std::nullopt;
  const std::string_view digits = name.substr(front.size(), name.size() - front.size() - kEnding.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || std::to_string(number) != digits)
    return std::nullopt;
  return number;
}

}  // namespace

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
  if (const auto msn = number_in(name, "")) {
    picture(answer, station, *msn);
    return true;
  }
  if (const auto sheet_number = number_in(name, "sheet-"); sheet_number && *sheet_number < kMaxSheetNumber) {
    sheet(answer, station, *sheet_number);
    return true;
  }
  return false;
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

// From the live index where that goes back as far: the replay's may have more of it.
void Pictures::sheet(const AnswerPtr& answer, uint32_t station, uint64_t number) {
  catalog_.with_loaded(station, [this, answer, station, number](Stream* stream) {
    const Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
    if (!track) return answer->send(not_there_reply(kNoPicture));
    const playlist::StreamIndex& live = track->live.index();
    const bool reaches =
        !live.segments().empty() && live.segments().front().record.msn <= number * playlist::kSheetPictures;
    if (reaches && send_sheet(answer, live, number)) return;
    // The archive is not read for what is still to come.
    if (number >= stream->index().next_msn().value_or(0) / playlist::kSheetPictures)
      return answer->send(not_there_reply(kNoSheet));
    catalog_.with_replay(station, [this, answer, number](Stream* whole) {
      const Rendition* all = whole ? whole->rendition(kPictures) : nullptr;
      if (!all || !all->replay || !send_sheet(answer, all->replay->index(), number))
        answer->send(not_there_reply(kNoSheet));
    });
  });
}

bool Pictures::send_sheet(const AnswerPtr& answer, const playlist::StreamIndex& pictures, uint64_t number) {
  const auto sheet = playlist::sheet_of(pictures, number);
  if (!sheet) return false;
  SheetWanted wanted;
  wanted.layout = {playlist::kSheetColumns, playlist::kSheetRows, sheet->picture_width, sheet->picture_height,
                   sheet->tile.eighths};
  for (const playlist::Segment* one : sheet->pictures) {
    auto& picture = wanted.pictures.emplace_back();
    if (one) picture = {one->record.file, one->record.offset, one->record.length};
  }
  const std::string etag = "\"" + wanted.name() + "\"";
  sheets_.get(std::move(wanted), [answer, etag](Result<Sheets::Made> made) {
    if (!made) return answer->send(media_error_reply(made.error()));
    Reply reply;
    reply.type = kTypeJpeg;
    reply.any_origin = true;
    // What could not be read may be there again.
    reply.cache = made->complete ? kCacheForever : kCacheRevalidate;
    if (made->complete) reply.etag = etag;
    reply.body = std::move(made->jpeg);
    answer->send(std::move(reply));
  });
  return true;
}

void Pictures::poster(const AnswerPtr& answer, uint32_t station) {
  catalog_.with_loaded(station, [this, answer](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoPicture));
    posters_.answer(answer, *stream, [this, answer](const playlist::SegmentRecord& record) {
      send(answer, record, kCacheRevalidate);
    });
  });
}

void Pictures::storyboard(const AnswerPtr& answer, uint32_t station) {
  catalog_.with_replay(station, [answer](Stream* stream) {
    Rendition* track = stream ? stream->rendition(kPictures) : nullptr;
    if (!track || !track->replay) return answer->send(not_there_reply(kNoPicture));
    // With pictures, and with the stream's segments; not with its parts.
    const KeptText::Version version{track->replay->segments_version(),
                                    stream->replay()->next_msn().value_or(0), stream->replay()->epoch(), 0};
    Reply reply = playlist_reply(track->storyboard.get(version, [&] {
      return track->cues.text(*stream->replay(), track->replay->index(), std::string(kPictures) + "/");
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
