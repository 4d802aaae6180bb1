// SPDX-License-Identifier: LGPL-2.1-or-later
#include "published_stream.h"

#include <base/io.h>
#include <base/json.h>
#include <common/siblings.h>
#include <fcntl.h>
#include <load/hls_playlist.h>
#include <poll.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include <base/clock.h>

#include "http.h"
#include "port_owner.h"
#include "run_verdict.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

// So much is published; watched, as much longer as the checker takes.
constexpr char kSeconds[] = "5", kWatchedSeconds[] = "9", kCheckSeconds[] = "4";
constexpr int64_t kSegmentMs = 30'000, kEndMs = 30'000, kDecodeMs = 30'000, kCheckMs = 30'000, kLookMs = 100;
constexpr int64_t kListedMs = 3000;
constexpr char kPlaylistType[] = "application/vnd.apple.mpegurl";

// Looks again and again; the error is the last one that `look` gave.
template <typename T>
Result<T> look_until(int64_t ms, const std::function<Result<T>()>& look) {
  const int64_t until_us = system_clock().mono_us() + ms * 1000;
  for (;;) {
    auto seen = look();
    if (seen || interrupted() || system_clock().mono_us() > until_us) return seen;
    ::poll(nullptr, 0, static_cast<int>(kLookMs));
  }
}

}  // namespace

Result<std::string> PublishedStream::get(const std::string& path, const char* type) const {
  auto answer = http({.url = site_ + path});
  if (!answer) return Unexpected(path + ": " + answer.error().message);
  if (answer->status != 200) return Unexpected(path + " answered " + std::to_string(answer->status));
  if (answer->type != type) return Unexpected(path + " is " + answer->type + ", not " + type);
  return answer->body;
}

uint64_t PublishedStream::next_segment() const {
  uint64_t next = 0;
  // What was published last has its end listed a moment after the archive has it.
  [[maybe_unused]] auto ended = look_until<bool>(kListedMs, [&]() -> Result<bool> {
    auto playlist = get("/hls/" + station_ + "/media.m3u8", kPlaylistType);
    auto parsed =
        playlist ? load::parse_hls(*playlist) : Result<load::HlsPlaylist>(Unexpected(playlist.error()));
    if (!parsed) return true;  // there was nothing
    next = parsed->media_sequence + parsed->segments.size();
    return parsed->ended ? Result<bool>(true) : Unexpected("it is live");
  });
  return next;
}

Result<double> PublishedStream::wait_for_segment(Program& publisher, bool udp, uint64_t first) {
  const int64_t began_us = system_clock().mono_us();
  return look_until<double>(kSegmentMs, [&]() -> Result<double> {
    // Each time: who is challenged comes back on another connection.
    runs_.add_ports(ports_of(context_.machine, publisher.pid(), udp));
    auto playlist = get("/hls/" + station_ + "/media.m3u8", kPlaylistType);
    if (!playlist) {
      if (!publisher.running()) return Unexpected("ffmpeg ended: " + publisher.last_error());
      return Unexpected("no segment within " + std::to_string(kSegmentMs / 1000) +
                        " s: " + playlist.error().message);
    }
    auto parsed = load::parse_hls(*playlist);
    if (!parsed) return Unexpected(parsed.error());
    if (parsed->media_sequence + parsed->segments.size() <= first) return Unexpected("no segment is listed");
    return static_cast<double>(system_clock().mono_us() - began_us) / 1e6;
  });
}

Result<void> PublishedStream::decode_segment() const {
  const std::string folder = "/hls/" + station_ + "/";
  auto playlist = get(folder + "media.m3u8", kPlaylistType);
  auto parsed =
      playlist ? load::parse_hls(*playlist) : Result<load::HlsPlaylist>(Unexpected(playlist.error()));
  if (!parsed) return Unexpected(parsed.error());
  if (parsed->segments.empty()) return Unexpected("no segment is listed");
  const load::HlsSegment& last = parsed->segments.back();
  auto init = get(folder + last.map_uri, "video/mp4");
  if (!init) return Unexpected(init.error());
  auto segment = get(folder + last.uri, "video/mp4");
  if (!segment) return Unexpected(segment.error());
  const std::string path = scratch_ + "/segment.mp4";
  if (auto written = replace_file(path, as_bytes(*init + *segment), 0644); !written)
    return Unexpected(written.error());
  auto decoded =
      run_program({.words = {"ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"},
                   .account = context_.account},
                  kDecodeMs);
  if (!decoded) return Unexpected(decoded.error());
  if (decoded->code() != 0 || !decoded->errors().empty())
    return Unexpected("segment " + last.uri + " does not decode: " + decoded->last_error());
  return {};
}

Result<void> PublishedStream::look_at_page() const {
  auto page = get("/watch/" + station_, "text/html");
  if (!page) return Unexpected(page.error());
  if (page->find("<html") == std::string::npos) return Unexpected("/watch/" + station_ + " is no page");
  return {};
}

void PublishedStream::check_hls(Outcome& out) const {
  auto headgate = tools::find_program("headgate");
  if (!headgate) return;  // this program
  const std::string url = site_ + "/hls/" + station_ + "/index.m3u8";
  auto checked = run_program(
      {.words = {*headgate, "check", "hls", url, "--duration", kCheckSeconds, "--json"}}, kCheckMs);
  if (!checked) {
    out.fail(checked.error().message, "try it by hand");
    return;
  }
  const Json json = Json::object_of(checked->output());
  if (checked->code() == 2 || !json.is_object()) {
    out.fail("headgate check hls: " + checked->last_error(), "try it by hand");
    return;
  }
  json.each("findings", [&](const Json& one) {
    const std::string rule = one.text("rule");
    // What the peak of a stream will be nobody knows after its first segment.
    if (one.text("severity") == "note" || rule.find("bandwidth") != std::string::npos) return;
    out.warn("HLS, " + rule + ": " + one.text("what"), "headgate check hls " + url + " for longer");
  });
}

// Once the run has its end. `judged`: those before it.
Result<std::string> PublishedStream::judge_archive(const std::set<std::string>& judged) const {
  return look_until<std::string>(kEndMs, [&]() -> Result<std::string> {
    for (const std::string& run : runs_.list()) {
      if (judged.count(run) != 0) continue;
      const RunVerdict verdict = judge_run(run);
      if (verdict.ended.empty()) return Unexpected("the run in the archive has no end");
      if (!verdict.faults.empty()) return Unexpected("the archive is wrong: " + verdict.faults.front());
      if (verdict.frames == 0) return Unexpected("the archive has no frames");
      return std::to_string(verdict.frames) + " frames archived";
    }
    return Unexpected("nothing of this publisher is in the archive at " + runs_.folder());
  });
}

std::string PublishedStream::publish(const std::string& protocol, const std::string& url, bool watch,
                                     Outcome& out) {
  context_.progress("publishing over " + protocol);
  const char* look = "see the log of the node (headgate logs; journalctl -u headgate)";
  const uint64_t first = next_segment();  // behind what was published before
  const auto earlier = runs_.list();
  auto publisher = Program::start(
      {.words = {"ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip_, "-c", "copy",
                 "-t", watch ? kWatchedSeconds : kSeconds, "-f", protocol == "srt" ? "mpegts" : "flv", url},
       .account = context_.account});
  if (!publisher) {
    out.fail(publisher.error().message, "apt install ffmpeg");
    return "";
  }
  auto seconds = wait_for_segment(*publisher, protocol == "srt", first);
  if (!seconds) {
    out.fail(protocol + ": " + seconds.error().message, look);
    return "";
  }
  auto tell = [&](const Result<void>& good, const char* to_do) {
    if (!good) out.fail(protocol + ": " + good.error().message, to_do);
  };
  tell(decode_segment(), look);
  if (watch) {
    tell(look_at_page(), look);
    check_hls(out);
  }
  if (!publisher->wait(kEndMs)) publisher->stop(1000);
  if (publisher->code() != 0) out.fail(protocol + ": ffmpeg ended with: " + publisher->last_error(), look);
  auto archived = judge_archive({earlier.begin(), earlier.end()});
  if (!archived) {
    out.fail(protocol + ": " + archived.error().message, look);
    return "";
  }
  char text[80];
  std::snprintf(text, sizeof text, "%.1f s to the first segment, %s", *seconds, archived->c_str());
  return text;
}

}  // namespace headgate::preflight
