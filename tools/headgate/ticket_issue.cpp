// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/options.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include <base/clock.h>
#include <base/encoding.h>
#include <base/io.h>
#include <base/json_line.h>
#include <qr/code.h>
#include <ticket/keys.h>

#include "commands.h"
#include "ticket.h"
#include "time_argument.h"

namespace headgate::cli {
namespace {

constexpr const char* kDefaultEndpoint = "rtmp://127.0.0.1:1935/lt";
constexpr int64_t kDefaultSeconds = 86'400;  // a day
constexpr int kPngScale = 8;                 // pixels of a module: 648 pixels for a sealed ticket
constexpr size_t kMaxHostSize = 60;

struct IssueOptions {
  std::string keys, name, from = "now", until, host, format = "text", output;  // empty: not given
  std::vector<std::string> endpoints;
  int64_t station = -1, max_kbps = 0, kid = -1;
  bool seal = false;
};

constexpr const char* kEpilogue =
    "TIME is 2026-09-14T06:00:00Z (RFC 3339, with its zone), Unix seconds, now, or an offset from now: +6h, "
    "-15m.\n"
    "URL is rtmp://host[:port][/app], the same with rtmps, or srt://host:port.\n"
    "Whoever has the output can publish: treat it as a password.";

Result<IssueOptions> parse_options(int argc, char** argv) {
  IssueOptions given;
  tools::Options options("- issue a ticket and show it as a QR code", "", kEpilogue);
  options.text("keys", given.keys, "DIR", "folder that keygen has made")
      .number("station", given.station, 0, std::numeric_limits<uint32_t>::max(), "N", "number of the station")
      .text("name", given.name, "TEXT", "the station's name, at most 60 bytes of UTF-8")
      .text("from", given.from, "TIME", "when it starts (default now)")
      .text("until", given.until, "TIME", "when it ends (default 24 hours after its start)")
      .list("endpoint", given.endpoints, "URL",
            "where to publish, again for the next one to try (default rtmp://127.0.0.1:1935/lt)")
      .text("host", given.host, "HOST",
            "host of the link in the QR code (default that of the first endpoint)")
      .flag("seal", given.seal, "seal the QR code with the event's fleet key")
      .number("max-kbps", given.max_kbps, 0, std::numeric_limits<uint16_t>::max(), "N",
              "highest bit rate, kbit/s (default 0: the event's)")
      .number("kid", given.kid, 0, std::numeric_limits<uint8_t>::max(), "N",
              "number of the keys to issue with (default event.json's)")
      .text("format", given.format, "FORMAT", "text, svg, png or json (default text)")
      .text("output", given.output, "FILE", "write there, not to standard output");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (given.keys.empty()) return Unexpected("--keys is missing");
  if (given.station < 0) return Unexpected("--station is missing");
  constexpr std::string_view kFormats[] = {"text", "svg", "png", "json"};
  if (std::ranges::find(kFormats, given.format) == std::end(kFormats))
    return Unexpected("--format is text, svg, png or json, not '" + given.format + "'");
  return given;
}

// What is to be issued and shown, read from the options.
struct Job {
  ticket::IssueRequest request;
  std::vector<EndpointUrl> endpoints;
  std::string host;
  std::string format;
};

Result<void> read_times(const IssueOptions& given, ticket::IssueRequest& request) {
  int64_t now = system_clock().utc_seconds();
  auto from = parse_time(given.from, now);
  if (!from) return Unexpected("--from: " + from.error().message);
  request.not_before = *from;
  request.expires = *from + kDefaultSeconds;
  if (!given.until.empty()) {
    auto until = parse_time(given.until, now);
    if (!until) return Unexpected("--until: " + until.error().message);
    request.expires = *until;
  }
  if (request.expires <= request.not_before)
    return Unexpected("the ticket would end (" + utc_text(request.expires) + ") before it starts (" +
                      utc_text(request.not_before) + "): change --from or --until");
  return {};
}

Result<void> read_endpoints(const IssueOptions& given, Job& job) {
  std::vector<std::string> urls = given.endpoints;
  if (urls.empty()) urls.emplace_back(kDefaultEndpoint);
  for (const std::string& url : urls) {
    auto endpoint = parse_endpoint_url(url);
    if (!endpoint) return Unexpected(endpoint.error());
    job.request.hints.endpoints.push_back(endpoint->endpoint);
    // What stock clients send there.
    if (endpoint->endpoint.protocol == ticket::Protocol::kRtmps)
      job.request.flags |= ticket::kFlagBearerOverTls;
    job.endpoints.push_back(std::move(*endpoint));
  }
  const std::string& first = job.endpoints.front().endpoint.host;
  job.host = !given.host.empty() ? given.host : first.find(':') == first.npos ? first : "[" + first + "]";
  constexpr std::string_view kFits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
  if (job.host.size() > kMaxHostSize || job.host.find_first_not_of(kFits) != job.host.npos)
    return Unexpected("--host '" + job.host + "' is not a host (at most " + std::to_string(kMaxHostSize) +
                      " characters)");
  return {};
}

Result<Job> read_job(const IssueOptions& given) {
  Job job;
  job.request.station = static_cast<uint32_t>(given.station);
  job.request.max_kbps = static_cast<uint16_t>(given.max_kbps);
  job.request.hints.label = given.name;
  job.request.seal = given.seal ? ticket::Seal::kFleet : ticket::Seal::kNone;
  job.format = given.format;
  if (auto read = read_times(given, job.request); !read) return Unexpected(read.error());
  if (auto read = read_endpoints(given, job); !read) return Unexpected(read.error());
  return job;
}

std::string to_json(const PublishEntry& entry) {
  JsonLine json;
  json.field("protocol", entry.protocol);
  if (!entry.client.empty()) json.field("client", entry.client);
  json.field("url", entry.url).field("key", entry.key);
  if (!entry.server.empty()) json.field("server", entry.server);
  if (!entry.user.empty()) json.field("user", entry.user).field("password", entry.password);
  if (!entry.address.empty())
    json.field("address", entry.address)
        .field("streamid", entry.stream_id)
        .field("passphrase", entry.passphrase);
  return json.take();
}

std::string to_json(const Job& job, const ticket::Issued& issued, const std::string& qr_text) {
  const ticket::Ticket& ticket = issued.ticket;
  std::string publish;
  for (const PublishEntry& entry : publish_entries(issued, job.endpoints))
    publish += (publish.empty() ? "[" : ",") + to_json(entry);
  publish += "]";
  return JsonLine()
             .field("event", ticket.event)
             .field("station", ticket.station)
             .field("name", job.request.hints.label)
             .field("tid", to_hex(ticket.tid))
             .field("kid", ticket.kid)
             .field("not_before", ticket.not_before)
             .field("expires", ticket.expires)
             .field("max_kbps", ticket.max_kbps)
             .field("sealed", job.request.seal != ticket::Seal::kNone)
             .field("ticket", ticket.wire_text())
             .field("qr_text", qr_text)
             .raw("publish", publish)
             .take() +
         "\n";
}

void add_instructions(std::string& out, const PublishEntry& entry) {
  if (entry.client == "librtmp") {
    out +=
        "GStreamer, rtmpsink:\n  ... ! flvmux streamable=true ! rtmpsink location=\"" + entry.url + "\"\n\n";
  } else if (entry.client == "gstreamer") {
    out += "GStreamer:\n  ... ! mpegtsmux ! srtsink uri=\"" + entry.url + "\"\n\n";
  } else if (entry.protocol == "srt") {
    out += "OBS Studio (service Custom, as server, no key) and ffmpeg -f mpegts, SRT:\n  \"" + entry.url +
           "\"\n\n";
    out += "Apps with separate fields, SRT:\n  Address     " + entry.address + "\n  Stream ID   " +
           entry.stream_id + "\n  Passphrase  " + entry.passphrase + "\n\n";
  } else {
    std::string title = "OBS Studio, service Custom, and phone apps";
    if (entry.protocol == "rtmps") title += entry.user.empty() ? ", TLS" : ", TLS with user and password";
    out += title + ":\n  Server      " + entry.server + "\n  Stream key  " + entry.key + "\n";
    if (!entry.user.empty())
      out += "  Use authentication\n  User        " + entry.user + "\n  Password    " + entry.password + "\n";
    out += "\n";
    if (!entry.client.empty()) return;
    out += "ffmpeg:\n  ffmpeg -re -i INPUT -c:v libx264 -g 60 -c:a aac -f flv \"" + entry.url + "\"\n\n";
    out += "GStreamer, rtmp2sink:\n  ... ! flvmux streamable=true ! rtmp2sink location=\"" + entry.url +
           "\"\n\n";
  }
}

std::string to_text(const Job& job, const ticket::Issued& issued, const std::string& qr_text,
                    const qr::Code& code, bool terminal) {
  const ticket::Ticket& ticket = issued.ticket;
  std::string out = "Station " + std::to_string(ticket.station);
  if (!job.request.hints.label.empty()) out += "  " + job.request.hints.label;
  out += "\nEvent " + std::to_string(ticket.event) + ", valid from " + utc_text(ticket.not_before) +
         " until " + utc_text(ticket.expires) + "\n\n";
  out += qr::to_terminal(code, terminal);
  out += "\n" + qr_text + "\n\n";
  for (const PublishEntry& entry : publish_entries(issued, job.endpoints)) add_instructions(out, entry);
  out += "Whoever has this can publish as station " + std::to_string(ticket.station) +
         ": treat it as a password.\n";
  return out;
}

Result<std::string> render(const Job& job, const ticket::Issued& issued, bool terminal) {
  std::string text = ticket::qr_text(job.host, issued.blob);
  if (job.format == "json") return to_json(job, issued, text);
  auto code = qr::encode(text);
  if (!code) return Unexpected(code.error());
  if (job.format == "svg") return qr::to_svg(*code);
  if (job.format == "text") return to_text(job, issued, text, *code, terminal);
  auto png = qr::to_png(*code, kPngScale);
  if (!png) return Unexpected(png.error());
  return std::string(as_text(*png));
}

}  // namespace

int run_ticket_issue(int argc, char** argv) {
  const char* program = argv[0];
  auto given = parse_options(argc, argv);
  if (!given) return complain(2, program, given.error().message);
  auto job = read_job(*given);
  if (!job) return complain(2, program, job.error().message);
  bool to_file = !given->output.empty();
  bool terminal = !to_file && isatty(STDOUT_FILENO) == 1;
  if (terminal && job->format == "png")
    return complain(2, program, "a PNG is nothing for a terminal: use --output FILE");

  std::optional<uint8_t> kid;
  if (given->kid >= 0) kid = static_cast<uint8_t>(given->kid);
  auto keys = ticket::load_issuer_keys(given->keys, kid, given->seal);
  if (!keys) return complain(2, program, keys.error().message);
  ticket::Issuer issuer(*keys);
  job->request.tid = ticket::new_ticket_id();
  auto issued = issuer.issue(job->request);
  if (!issued) return complain(2, program, issued.error().message);
  auto out = render(*job, *issued, terminal);
  if (!out) return complain(1, program, out.error().message);
  auto written =
      to_file ? replace_file(given->output, as_bytes(*out), 0600) : write_all(STDOUT_FILENO, as_bytes(*out));
  if (!written) return complain(1, program, written.error().message);
  return 0;
}

}  // namespace headgate::cli
