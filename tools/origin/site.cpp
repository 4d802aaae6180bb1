// SPDX-License-Identifier: LGPL-2.1-or-later
#include "site.h"

#include <base/json_line.h>

#include <charconv>
#include <optional>

namespace headgate::origin {
namespace {

// A number as our own URLs write it: digits, no leading zero.
template <typename T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.empty() || (text.size() > 1 && text[0] == '0') || text[0] == '-') return std::nullopt;
  return value;
}

// "/a/b" -> {"a", "b"}; "/" -> {""}.
std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> out;
  size_t at = 1;
  while (at <= path.size()) {
    size_t slash = std::min(path.find('/', at), path.size());
    out.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return out;
}

// "init-0123456789abcdef.mp4" -> the id.
std::optional<std::string> between(const std::string& name, std::string_view front, std::string_view back) {
  if (name.size() <= front.size() + back.size() || name.rfind(front, 0) != 0) return std::nullopt;
  if (name.compare(name.size() - back.size(), back.size(), back) != 0) return std::nullopt;
  return name.substr(front.size(), name.size() - front.size() - back.size());
}

// The list of streams is for pages of other hosts, too.
Reply list_reply(const std::string& json) {
  Reply reply = json_reply(json);
  reply.any_origin = true;
  return reply;
}

Reply json_error(unsigned status, const std::string& error) {
  Reply reply = list_reply(JsonLine().field("error", error).take());
  reply.status = status;
  return reply;
}

}  // namespace

void Site::handle(SoupServerMessage* message, const std::string& path) {
  Words words = words_of(path);
  auto station = words.size() > 1 ? number<uint32_t>(words[1]) : std::nullopt;
  if (path == "/") return send_reply(message, pages_.get("index.html"));
  if (path == "/healthz") return send_reply(message, text_reply(200, "ok"));
  if (words[0] == "watch" && words.size() == 2 && station)
    return send_reply(message, pages_.get("watch.html"));
  if (words[0] == "assets" && words.size() == 2) return send_reply(message, pages_.get(words[1]));
  if (words[0] == "hls" || words[0] == "dash") {
    const char* query = g_uri_get_query(soup_server_message_get_uri(message));
    return media(std::make_shared<SoupAnswer>(message), path, query ? query : "");
  }
  if (words[0] == "api" && words.size() >= 3 && words[1] == "v1") return api(message, words);
  send_reply(message, text_reply(404, kNothingHere));
}

void Site::media(const AnswerPtr& answer, const std::string& path, const std::string& query) {
  Words words = words_of(path);
  const bool of_rendition = words.size() == 4 && words[0] == "hls";
  auto station = words.size() == 3 || of_rendition ? number<uint32_t>(words[1]) : std::nullopt;
  if (station && of_rendition && words[2] == kPictures &&
      pictures_.answer_track(answer, *station, words[3], query))
    return;
  if (station && of_rendition) return renditions_.answer(answer, *station, words[2], words[3], query);
  if (station && words[0] == "hls") return hls(answer, *station, words[2], query);
  if (station && words[0] == "dash") return views_.answer_dash(answer, *station, words[2]);
  answer->send(text_reply(404, kNothingHere));
}

void Site::api(SoupServerMessage* message, const Words& words) {
  const std::string& name = words[2];
  if (words.size() == 3 && name == "streams") return send_reply(message, list_reply(catalog_.list_json()));
  if (words.size() == 3 && name == "events") {
    if (soup_server_message_get_method(message) == SOUP_METHOD_GET) return events_.listen(message);
    return send_reply(message, json_error(405, "events are for GET"));
  }
  auto station = words.size() == 4 && name == "streams" ? number<uint32_t>(words[3]) : std::nullopt;
  if (!station) return send_reply(message, json_error(404, "there is nothing here"));
  auto answer = std::make_shared<SoupAnswer>(message);
  catalog_.with_loaded(*station, [answer](Stream* stream) {
    answer->send(stream ? list_reply(stream->json()) : json_error(404, kNoStream));
  });
}

void Site::hls(const AnswerPtr& answer, uint32_t station, const std::string& name, const std::string& query) {
  if (name == "media.m3u8") return playlist(answer, station, query);
  if (name == "replay.m3u8") return replay(answer, station);
  if (auto request = part_request(name)) return part(answer, station, *request);
  if (views_.answer(answer, station, name, query)) return;
  if (pictures_.answer(answer, station, name)) return;
  if (file(answer, station, name, "", playlist::View::whole)) return;
  if (file(answer, station, name, "v", playlist::View::video)) return;
  if (file(answer, station, name, "a", playlist::View::audio)) return;
  answer->send(not_there_reply(kNothingHere));
}

// False: the name is none of the view's.
bool Site::file(const AnswerPtr& answer, uint32_t station, const std::string& name, const std::string& letter,
                playlist::View view) {
  auto digits = between(name, letter, ".m4s");
  auto msn = digits ? number<uint64_t>(*digits) : std::nullopt;
  auto id = between(name, letter + "init-", ".mp4");
  if (msn) segment(answer, station, *msn, view);
  if (id) init(answer, station, *id, view);
  return msn || id;
}

void Site::playlist(const AnswerPtr& answer, uint32_t station, const std::string& query) {
  catalog_.with_loaded(station, [this, answer, query](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoStream));
    live_.when_there(answer, *stream, query, [answer, stream](bool skip, bool unique) {
      Live::send_playlist(answer, *stream, {.skip = skip}, unique);
    });
  });
}

void Site::replay(const AnswerPtr& answer, uint32_t station) {
  catalog_.with_replay(station, [answer](Stream* stream) {
    answer->send(stream ? playlist_reply(stream->replay_playlist()) : not_there_reply(kNoStream));
  });
}

void Site::part(const AnswerPtr& answer, uint32_t station, const PartRequest& request) {
  catalog_.with_loaded(station, [this, answer, request](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoStream));
    live_.part(answer, *stream, request);
  });
}

void Site::segment(const AnswerPtr& answer, uint32_t station, uint64_t msn, playlist::View view) {
  auto send = [this, answer, msn, view](const playlist::StreamIndex& index) {
    const playlist::Segment* found = index.find_segment(msn);
    if (!found) return false;
    const playlist::SegmentRecord& record = found->record;
    if (view != playlist::View::whole) {
      views_.send_segment(answer, record, view);
      return true;
    }
    std::string etag = "\"" + std::to_string(record.utc_us) + "-" + std::to_string(record.length) + "\"";
    answer->send(media_reply(media_.find(record.file, record.offset, record.length),
                             media_type(index, record.init_id), etag));
    return true;
  };
  catalog_.with_loaded(station, [this, answer, send, station, msn, view](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoStream));
    if (send(stream->index())) return;
    if (live_.open_segment(answer, *stream, msn, view)) return;
    auto next = stream->index().next_msn();
    if (!next || msn >= *next) return answer->send(not_there_reply("This segment is not there yet."));
    catalog_.with_replay(station, [answer, send](Stream* whole) {
      if (!whole || !send(*whole->replay())) answer->send(not_there_reply("There is no such segment."));
    });
  });
}

void Site::init(const AnswerPtr& answer, uint32_t station, const std::string& id, playlist::View view) {
  auto send = [this, answer, id, view](const playlist::StreamIndex& index) {
    auto found = index.inits().find(id);
    if (found == index.inits().end()) return false;
    const playlist::InitRecord& record = found->second;
    if (view != playlist::View::whole) {
      views_.send_init(answer, record, view);
      return true;
    }
    answer->send(media_reply(media_.find(record.file, record.offset, record.length), media_type(&record),
                             "\"" + id + "\""));
    return true;
  };
  catalog_.with_loaded(station, [this, answer, send, station](Stream* stream) {
    if (!stream) return answer->send(not_there_reply(kNoStream));
    if (send(stream->index())) return;
    catalog_.with_replay(station, [answer, send](Stream* whole) {
      if (!whole || !send(*whole->replay()))
        answer->send(not_there_reply("There is no such initialisation segment."));
    });
  });
}

}  // namespace headgate::origin
