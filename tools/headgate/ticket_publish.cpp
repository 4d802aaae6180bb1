// SPDX-License-Identifier: LGPL-2.1-or-later
// Endpoint URLs, and what each client is to be told about them.
#include <glib.h>

#include <memory>
#include <utility>

#include <base/encoding.h>
#include <ticket/verifier.h>

#include "ticket.h"

namespace headgate::cli {
namespace {

using ticket::Protocol;

constexpr int kDefaultRtmpPort = 1935, kDefaultRtmpsPort = 443;
constexpr std::string_view kDefaultApp = "lt";
// On RTMPS: the application that asks for user and password instead of the secret as such (docs/rtmp.md).
constexpr std::string_view kChallengeApp = "auth";
constexpr size_t kMaxAppSize = 64;
// The smallest key that SRT has; 128 bits as the secret's.
constexpr std::string_view kSrtKeyBytes = "16";

struct FreeUri {
  void operator()(GUri* uri) const { g_uri_unref(uri); }
};

std::string percent_encoded(const std::string& text) {
  char* raw = g_uri_escape_string(text.c_str(), nullptr, FALSE);
  std::string out = raw;
  g_free(raw);
  return out;
}

// The app is one path element: clients disagree about where a longer one ends.
Result<std::string> app_of(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return std::string(kDefaultApp);
  constexpr std::string_view kFits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (path.size() > kMaxAppSize || path.find_first_not_of(kFits) != path.npos)
    return Unexpected("the app (what follows the port) is one name of letters, digits, '.', '_' and '-'");
  return std::string(path);
}

Result<EndpointUrl> from_uri(GUri* uri) {
  EndpointUrl result;
  std::string_view scheme = g_uri_get_scheme(uri);
  if (scheme != "rtmp" && scheme != "rtmps" && scheme != "srt")
    return Unexpected("only rtmp://, rtmps:// and srt:// are supported");
  result.endpoint.protocol = scheme == "rtmp"    ? Protocol::kRtmp
                             : scheme == "rtmps" ? Protocol::kRtmps
                                                 : Protocol::kSrt;
  if (g_uri_get_userinfo(uri) || g_uri_get_query(uri) || g_uri_get_fragment(uri))
    return Unexpected("user, password, query and fragment come from the ticket: leave them out");
  if (const char* host = g_uri_get_host(uri)) result.endpoint.host = host;
  int port = g_uri_get_port(uri);
  if (port == -1 && result.endpoint.protocol == Protocol::kRtmp) port = kDefaultRtmpPort;
  if (port == -1 && result.endpoint.protocol == Protocol::kRtmps) port = kDefaultRtmpsPort;
  if (port < 1) return Unexpected("a port from 1 to 65535 is needed");
  result.endpoint.port = static_cast<uint16_t>(port);
  std::string_view path = g_uri_get_path(uri);
  if (result.endpoint.protocol == Protocol::kSrt) {
    if (!path.empty() && path != "/") return Unexpected("SRT has no path");
  } else {
    auto app = app_of(path);
    if (!app) return Unexpected(app.error());
    result.app = *app;
    if (result.endpoint.protocol == Protocol::kRtmps && result.app == kChallengeApp)
      return Unexpected("the app 'auth' asks for user and password, and is printed beside every other");
  }
  // The library knows what a host is.
  ticket::Hints hints;
  hints.endpoints.push_back(result.endpoint);
  if (auto encoded = ticket::encode_hints(hints); !encoded) return Unexpected("not a host's name or address");
  return result;
}

}  // namespace

Result<EndpointUrl> parse_endpoint_url(const std::string& url) {
  std::unique_ptr<GUri, FreeUri> uri(g_uri_parse(url.c_str(), G_URI_FLAGS_NONE, nullptr));
  if (!uri)
    return Unexpected("endpoint '" + url + "' is not a URL such as rtmp://host:1935/lt or srt://host:9000");
  auto result = from_uri(uri.get());
  if (!result) return Unexpected("endpoint '" + url + "': " + result.error().message);
  return result;
}

std::string_view scheme_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kSrt:
      return "srt";
    case Protocol::kRtmps:
      return "rtmps";
    case Protocol::kRtmp:
      return "rtmp";
    case Protocol::kWhip:
      return "https";
  }
  return "";
}

std::string authority_of(const ticket::Endpoint& endpoint) {
  bool ipv6 = endpoint.host.find(':') != endpoint.host.npos;
  return (ipv6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

namespace {

// "rtmp://USER:PASSWORD@host:port/app/KEY"
std::string url_with_password(const PublishEntry& entry, const std::string& authority, std::string_view app) {
  std::string out = entry.protocol + "://" + entry.user;
  out.append(":").append(entry.password).append("@").append(authority);
  return out.append("/").append(app).append("/").append(entry.key);
}

void add_rtmp(std::vector<PublishEntry>& entries, PublishEntry entry, const std::string& authority,
              const std::string& app, const ticket::Issued& issued) {
  entry.server = "rtmp://" + authority + "/" + app;
  entry.user = ticket::rtmp_user(issued.ticket.tid);
  entry.password = ticket::rtmp_password(issued.seed);
  entry.url = url_with_password(entry, authority, app);
  entries.push_back(entry);
  // librtmp does not take user and password from the URL: they follow it, as librtmp(3) has it.
  entry.client = "librtmp";
  entry.url = entry.server + "/" + entry.key;
  entry.url.append(" pubUser=").append(entry.user).append(" pubPasswd=").append(entry.password);
  entry.url += " live=1";
  entries.push_back(std::move(entry));
}

void add_rtmps(std::vector<PublishEntry>& entries, PublishEntry entry, const std::string& authority,
               const std::string& app, const ticket::Issued& issued) {
  PublishEntry challenge = entry;
  entry.server = "rtmps://" + authority + "/" + app;
  entry.key += "." + to_base64url(issued.seed);
  entry.url = entry.server + "/" + entry.key;
  entries.push_back(std::move(entry));
  challenge.client = "challenge";
  challenge.server = "rtmps://" + authority + "/" + std::string(kChallengeApp);
  challenge.user = ticket::rtmp_user(issued.ticket.tid);
  challenge.password = ticket::rtmp_password(issued.seed);
  challenge.url = url_with_password(challenge, authority, kChallengeApp);
  entries.push_back(std::move(challenge));
}

}  // namespace

std::vector<PublishEntry> publish_entries(const ticket::Issued& issued,
                                          const std::vector<EndpointUrl>& endpoints) {
  std::vector<PublishEntry> entries;
  std::string wire = issued.ticket.wire_text();
  for (const EndpointUrl& url : endpoints) {
    std::string authority = authority_of(url.endpoint);
    PublishEntry entry;
    entry.protocol = scheme_of(url.endpoint.protocol);
    entry.key = wire;
    if (url.endpoint.protocol == Protocol::kSrt) {
      entry.address = "srt://" + authority;
      entry.stream_id = "#!::m=publish,r=" + std::to_string(issued.ticket.station) + ",u=" + wire;
      entry.passphrase = ticket::srt_passphrase(issued.seed, issued.ticket);
      auto url_with = [&](const std::string& stream_id) {
        return entry.address + "?streamid=" + stream_id + "&passphrase=" + entry.passphrase +
               "&pbkeylen=" + std::string(kSrtKeyBytes);
      };
      // FFmpeg and OBS Studio hand the stream id on as it stands in the URL, '#' and all; others
      // decode it as RFC 3986 has it.
      entry.url = url_with(entry.stream_id);
      entries.push_back(entry);
      entry.client = "gstreamer";
      entry.url = url_with(percent_encoded(entry.stream_id));
      entries.push_back(std::move(entry));
      continue;
    }
    auto* add = url.endpoint.protocol == Protocol::kRtmps ? add_rtmps : add_rtmp;
    add(entries, std::move(entry), authority, url.app, issued);
  }
  return entries;
}

}  // namespace headgate::cli
