// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate ticket …`, shared among its commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <base/result.h>
#include <ticket/hints.h>
#include <ticket/issuer.h>

namespace headgate::cli {

int run_ticket_keygen(int argc, char** argv);
int run_ticket_issue(int argc, char** argv);
int run_ticket_show(int argc, char** argv);

// --endpoint's value: rtmp://host[:port][/app], the same with rtmps, or srt://host:port.
struct EndpointUrl {
  ticket::Endpoint endpoint;
  std::string app;  // RTMP, RTMPS
};
Result<EndpointUrl> parse_endpoint_url(const std::string& url);

std::string_view scheme_of(ticket::Protocol protocol);       // "rtmp"
std::string authority_of(const ticket::Endpoint& endpoint);  // "host:port", IPv6 in brackets

// One way of publishing: what some client wants to be told. `url` is complete by itself; the rest is for
// clients with separate fields.
struct PublishEntry {
  std::string protocol;
  std::string client;  // the kind that takes this form; empty: ffmpeg, OBS and most others
  std::string url;
  std::string key;                             // the stream key
  std::string server, user, password;          // RTMP, RTMPS; no user: the key has the secret
  std::string address, stream_id, passphrase;  // SRT
};
std::vector<PublishEntry> publish_entries(const ticket::Issued& issued,
                                          const std::vector<EndpointUrl>& endpoints);

}  // namespace headgate::cli
