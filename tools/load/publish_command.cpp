// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/cli_support.h>
#include <load/commands.h>
#include <load/publish_load.h>
#include <load/rtmp_station.h>
#include <load/srt_station.h>
#include <ticket/issuer.h>
#include <ticket/keys.h>
#include <ticket/verifier.h>

#include <memory>
#include <sstream>

#include <base/clock.h>

namespace headgate::load {
namespace {

constexpr int64_t kTicketEarlySeconds = 60;     // of clocks that differ
constexpr int64_t kTicketSpareSeconds = 86400;  // beyond the load's end

struct Wanted {
  std::string url, keys, plain, stations, clip, json, local, keyframe_log;
  int64_t chunk = 4096, seed = 1;
  bool enhanced = false;
  PublishPlan plan;
};

tools::Options options_for(Wanted& wanted) {
  tools::Options options(
      "", "Publishes one clip as many stations in real time, each with a ticket of its own.",
      "Stations begin at different key frames of the clip and repeat it without a break. The result (--json) "
      "has "
      "the exact\nnumber of video and audio frames sent in every session. docs/load.md explains it.");
  options.text("url", wanted.url, "URL", "rtmp://HOST:PORT/APP or srt://HOST:PORT[,PORT...]")
      .text("keys", wanted.keys, "DIR", "keys with the issuer's: tickets are made for every station")
      .text("plain", wanted.plain, "PREFIX", "no tickets: publish as PREFIX and the station's number")
      .text("stations", wanted.stations, "NUMBERS", "1-400, or 7, or 1-10,20")
      .text("clip", wanted.clip, "FILE", "FLV with H.264 and AAC (headgate load clip makes one)");
  real(options, "duration", wanted.plan.duration_s, 0, 1e7, "SECONDS", "0: until Ctrl-C (default)");
  real(options, "ramp", wanted.plan.ramp_s, 0, 1e6, "SECONDS", "spread the first connections (1)");
  options.number("chunk", wanted.chunk, 128, 65536, "BYTES", "RTMP chunk size (4096)")
      .number("tick", wanted.plan.tick_ms, 1, 1000, "MS", "how finely frames are paced (5)");
  real(options, "reconnect-every", wanted.plan.reconnect_every_s, 0, 1e6, "SECONDS", "a reconnect storm");
  real(options, "reconnect-share", wanted.plan.reconnect_share, 0, 1, "SHARE",
       "of the live stations, 0 to 1");
  real(options, "reconnect-within", wanted.plan.reconnect_within_s, 0, 3600, "SECONDS",
       "how soon cut stations are back (1)");
  real(options, "loss", wanted.plan.cuts_per_minute, 0, 600, "RATE",
       "cuts per minute and station, at random");
  real(options, "stall", wanted.plan.stalls_per_minute, 0, 600, "RATE",
       "stalls per minute and station, at random");
  real(options, "stall-for", wanted.plan.stall_s, 0, 3600, "SECONDS", "length of a stall (3)");
  options.flag("enhanced", wanted.enhanced, "Enhanced RTMP: codecs by fourcc, and said so in connect")
      .flag("silent-cuts", wanted.plan.silent_cuts,
            "cut without a reset: the old connection just goes silent")
      .text("from", wanted.local, "ADDRESSES", "local IPv4 addresses in turn: 127.0.1.1-127.0.1.250")
      .text("keyframe-log", wanted.keyframe_log, "FILE",
            "the first station's key frames: UTC seconds, media ms")
      .number("seed", wanted.seed, 0, INT64_MAX, "N", "of what happens at random (1)")
      .text("json", wanted.json, "FILE", "the result; - is standard output");
  return options;
}

struct Entrant {
  uint32_t number = 0;
  ticket::Issued issued;  // made now; nothing without keys
  Address local;
};

Result<std::vector<Entrant>> entrants(const Wanted& wanted) {
  auto numbers = parse_numbers(wanted.stations);
  if (!numbers) return Unexpected("--stations: " + numbers.error().message);
  std::vector<Entrant> out;
  for (uint32_t number : *numbers) out.push_back({number, {}, {}});
  if (!wanted.keys.empty()) {
    auto keys = ticket::load_issuer_keys(wanted.keys, std::nullopt, false);
    if (!keys) return Unexpected(keys.error());
    ticket::Issuer issuer(*keys);
    const int64_t now = system_clock().utc_seconds();
    for (Entrant& one : out) {
      ticket::IssueRequest request;
      request.tid = ticket::new_ticket_id();
      request.station = one.number;
      request.not_before = now - kTicketEarlySeconds;
      request.expires = now + static_cast<int64_t>(wanted.plan.duration_s) + kTicketSpareSeconds;
      auto issued = issuer.issue(request);
      if (!issued) return Unexpected(issued.error());
      one.issued = *issued;
    }
  }
  if (wanted.local.empty()) return out;
  auto local = parse_local_addresses(wanted.local);
  if (!local) return Unexpected("--from: " + local.error().message);
  for (size_t i = 0; i < out.size(); ++i) out[i].local = (*local)[i % local->size()];
  return out;
}

// Keeps what its stations look at.
struct Made {
  PublishLoad::MakeStation make;
  size_t descriptors = 0;  // of each station
};

Result<Made> over_rtmp(const Wanted& wanted, const Url& url, const std::vector<Entrant>& all) {
  auto loaded = Clip::load(wanted.clip, static_cast<uint32_t>(wanted.chunk), wanted.enhanced);
  if (!loaded) return Unexpected(loaded.error());
  auto server = resolve(url.host, url.port.empty() ? "1935" : url.port);
  if (!server) return Unexpected(server.error());
  rtmp::PublishTarget common;
  common.app = url.path.substr(url.path.empty() ? 0 : 1);
  common.tc_url = "rtmp://" + url.authority() + "/" + common.app;
  common.chunk_size = static_cast<uint32_t>(wanted.chunk);
  common.enhanced = wanted.enhanced;
  auto clip = std::make_shared<Clip>(*std::move(loaded));
  Made out;
  // A connection that was cut without a word stays open beside the next one.
  out.descriptors = wanted.plan.silent_cuts ? 4 : 1;
  out.make = [clip, server = *server, common, plain = wanted.plain, &all](LoadShared& shared, int64_t& due_us,
                                                                          size_t index) {
    const Entrant& one = all[index];
    RtmpPlan plan{one.number, server, common, one.local};
    plan.target.stream_key = plain + std::to_string(one.number);
    if (plain.empty()) {
      plan.target.stream_key = one.issued.ticket.wire_text();
      plan.target.user = ticket::rtmp_user(one.issued.ticket.tid);
      plan.target.password = ticket::rtmp_password(one.issued.seed);
    }
    const auto keyframes = clip->keyframes();
    return std::make_unique<RtmpStation>(shared, due_us, *clip, std::move(plan),
                                         keyframes[index % keyframes.size()], index == 0);
  };
  return out;
}

// The stations take the server's ports in turn.
Result<Made> over_srt(const Wanted& wanted, const Url& url, const std::vector<Entrant>& all) {
  auto loaded = TsClip::load(wanted.clip);
  if (!loaded) return Unexpected(loaded.error());
  std::vector<Address> servers;
  std::istringstream ports(url.port);
  for (std::string port; std::getline(ports, port, ',');) {
    auto server = resolve(url.host, port);
    if (!server) return Unexpected(server.error());
    servers.push_back(*server);
  }
  auto clip = std::make_shared<TsClip>(*std::move(loaded));
  Made out;
  // libsrt's threads begin with the first of them: not before the load watches the signals.
  out.make = [clip, local_ports = std::shared_ptr<SrtPorts>(), servers, &all](
                 LoadShared& shared, int64_t& due_us, size_t index) mutable {
    if (!local_ports) local_ports = std::make_shared<SrtPorts>();
    const Entrant& one = all[index];
    SrtPlan plan;
    plan.number = one.number;
    plan.server = servers[index % servers.size()];
    plan.stream_id = "#!::m=publish,r=" + std::to_string(one.number) + ",u=" + one.issued.ticket.wire_text();
    plan.passphrase = ticket::srt_passphrase(one.issued.seed, one.issued.ticket);
    plan.local = one.local;
    const auto keyframes = clip->keyframes();
    return std::make_unique<SrtStation>(shared, due_us, *clip, *local_ports, std::move(plan), index,
                                        keyframes[index % keyframes.size()], index == 0);
  };
  return out;
}

}  // namespace

int run_publish(int argc, char** argv) {
  Wanted wanted;
  auto rest = options_for(wanted).parse(argc, argv);
  if (!rest) return complain(2, "publish", rest.error().message);
  if (!rest->empty()) return complain(2, "publish", "'" + rest->front() + "' is one argument too many");
  if (wanted.url.empty() || wanted.stations.empty() || wanted.clip.empty())
    return complain(2, "publish", "--url, --stations and --clip are needed");
  if (wanted.keys.empty() == wanted.plain.empty())
    return complain(2, "publish", "either --keys DIR or --plain PREFIX is needed");
  auto url = parse_url(wanted.url);
  if (!url) return complain(2, "publish", url.error().message);
  const bool srt = url->scheme == "srt";
  if (!srt && url->scheme != "rtmp") return complain(2, "publish", "--url must begin with rtmp:// or srt://");
  if (srt && (wanted.keys.empty() || url->port.empty()))
    return complain(2, "publish", "srt:// needs a port and --keys: nobody enters without a ticket");
  if (srt && (wanted.enhanced || wanted.plan.silent_cuts))
    return complain(2, "publish", "--enhanced and --silent-cuts are RTMP's");

  auto all = entrants(wanted);
  if (!all) return complain(1, "publish", all.error().message);
  auto made = srt ? over_srt(wanted, *url, *all) : over_rtmp(wanted, *url, *all);
  if (!made) return complain(1, "publish", made.error().message);
  if (auto allowed = allow_descriptors(all->size() * made->descriptors); !allowed)
    return complain(1, "publish", allowed.error().message);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log(
      wanted.keyframe_log.empty() ? nullptr : std::fopen(wanted.keyframe_log.c_str(), "we"), std::fclose);
  if (!wanted.keyframe_log.empty() && !log)
    return complain(1, "publish", "cannot write " + wanted.keyframe_log);

  wanted.plan.seed = static_cast<uint64_t>(wanted.seed);
  PublishLoad load(wanted.plan, all->size(), made->make, log.get());
  load.run();
  std::fprintf(stderr, "%s\n", load.summary().c_str());
  if (auto written = write_result(wanted.json, load.json()); !written)
    return complain(1, "publish", written.error().message);
  return load.undisturbed() ? 0 : 1;
}

}  // namespace headgate::load
