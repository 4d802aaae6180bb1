// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instance_claims.h"

#include <pipeline/graph.h>

#include <charconv>
#include <cstdlib>

namespace headgate::preflight {
namespace {

using Element = pipeline::Graph::Element;

std::string property(const Element& element, const char* name, const char* otherwise) {
  for (const auto& [key, value] : element.properties)
    if (key == name) return value;
  return otherwise;
}

int64_t number(const std::string& text) {
  int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::string host_of(std::string text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text == "localhost") return "127.0.0.1";
  return text == "*" || text == "0.0.0.0" || text == "::" ? "" : text;
}

// "srt://:9710?mode=listener"; it calls somebody unless it says otherwise, or names nobody.
void look_at_srt(const Element& element, InstanceClaims& out) {
  constexpr std::string_view kFront = "srt://";
  std::string uri = property(element, "uri", "");
  if (!uri.starts_with(kFront)) return;
  uri.erase(0, kFront.size());
  const size_t query = uri.find('?');
  const std::string address = uri.substr(0, query),
                    options = query == std::string::npos ? "" : uri.substr(query);
  const bool listens = address.starts_with(':') || options.find("mode=listener") != std::string::npos ||
                       property(element, "mode", "") == "listener";
  if (listens) out.ports.push_back(claim_of(address, true));
}

}  // namespace

bool PortClaim::is_shared() const {
  const int first = std::atoi(at.host.c_str());
  return udp && ((at.host.find('.') != std::string::npos && first >= 224 && first <= 239) ||
                 at.host.starts_with("ff"));
}

bool collide(const PortClaim& a, const PortClaim& b) {
  if (a.udp != b.udp || a.at.port != b.at.port || a.at.port == 0 || a.is_shared() || b.is_shared())
    return false;
  return a.at.host.empty() || b.at.host.empty() || a.at.host == b.at.host;
}

PortClaim claim_of(const std::string& address, bool udp) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {{host_of(address), 0}, udp};
  return {{host_of(address.substr(0, colon)), static_cast<int>(number(address.substr(colon + 1)))}, udp};
}

Result<InstanceClaims> claims_of(const std::string& launch_line) {
  auto graph = pipeline::graph_of(launch_line);
  if (!graph) return Unexpected(graph.error());
  InstanceClaims out;
  for (const Element& one : graph->elements) {
    const auto port = [&](const char* host_key, const char* host, const char* port_otherwise, bool udp) {
      out.ports.push_back({{host_of(property(one, host_key, host)),
                            static_cast<int>(number(property(one, "port", port_otherwise)))},
                           udp});
    };
    // With the elements' own defaults.
    if (one.factory == "tcpserversink" || one.factory == "tcpserversrc")
      port("host", "localhost", "4953", false);
    if (one.factory == "udpsrc") port("address", "", "5004", true);
    if (one.factory == "srtsink" || one.factory == "srtsrc") look_at_srt(one, out);
    if (one.factory == "segmentarchiver")
      out.stations.push_back({number(property(one, "event", "0")), number(property(one, "station", "0"))});
    if (const std::string device = property(one, "device", ""); device.starts_with("/dev/"))
      out.devices.push_back(device);
  }
  return out;
}

}  // namespace headgate::preflight
