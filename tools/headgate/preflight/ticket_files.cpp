// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket_files.h"

#include <base/io.h>
#include <base/json.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "../ticket.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

// Where its addresses lead: what follows the user and goes before the path.
void add_endpoint(const std::string& protocol, const std::string& url, GivenTicket& out) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return;
  const size_t begins = scheme + 3;
  std::string authority = url.substr(begins, url.find_first_of("/?# ", begins) - begins);
  if (const size_t at = authority.rfind('@'); at != std::string::npos) authority.erase(0, at + 1);
  auto parsed = cli::parse_endpoint_url(protocol + "://" + authority);
  if (!parsed) return;
  if (std::find(out.endpoints.begin(), out.endpoints.end(), parsed->endpoint) == out.endpoints.end())
    out.endpoints.push_back(parsed->endpoint);
}

GivenTicket read_json(const std::string& text, GivenTicket out) {
  const Json json = Json::object_of(text);
  if (!json.is_object()) {
    out.fault = "no JSON object in one line";
    return out;
  }
  out.wire = json.text("ticket");
  if (out.wire.empty()) out.fault = "no ticket: it has no member \"ticket\"";
  json.each("publish",
            [&](const Json& entry) { add_endpoint(entry.text("protocol"), entry.text("url"), out); });
  return out;
}

std::string trimmed(std::string text) {
  constexpr const char* kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  return text;
}

Result<void> read_file_of(const std::string& path, const ticket::FleetKeys& fleet_keys,
                          std::vector<GivenTicket>& out) {
  auto bytes = read_file(path, kMaxTicketFile);
  if (!bytes) return Unexpected(bytes.error());
  std::istringstream lines{std::string(as_text(*bytes))};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = trimmed(std::move(line));
    if (!line.empty())
      out.push_back(
          read_ticket(line, fs::path(path).filename().string() + ":" + std::to_string(number), fleet_keys));
  }
  return {};
}

}  // namespace

GivenTicket read_ticket(const std::string& text, const std::string& place,
                        const ticket::FleetKeys& fleet_keys) {
  GivenTicket out;
  out.place = place;
  if (text.starts_with('{')) return read_json(text, std::move(out));
  // No QR text is without the '.' of "LT1.", and no wire token has one.
  if (text.find('.') == std::string::npos) {
    out.wire = text;
    return out;
  }
  auto blob = ticket::parse_qr_text(text);
  auto code = blob ? ticket::open_qr(*blob, fleet_keys) : Result<ticket::QrTicket>(Unexpected(blob.error()));
  if (!code) {
    out.fault = code.error().message;
    return out;
  }
  out.wire = code->ticket.wire_text();
  out.endpoints = code->hints.endpoints;
  return out;
}

Result<std::vector<GivenTicket>> read_tickets(const std::string& path, const ticket::FleetKeys& fleet_keys) {
  std::vector<std::string> files;
  std::error_code error;
  if (!fs::is_directory(path, error)) files.push_back(path);
  for (const auto& entry : fs::directory_iterator(files.empty() ? path : "", error)) {
    const auto extension = entry.path().extension();
    if (extension != ".json" && extension != ".txt") continue;
    if (files.size() == kMaxTicketFiles)
      return Unexpected(path + " has more than " + std::to_string(kMaxTicketFiles) + " files");
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::vector<GivenTicket> out;
  for (const std::string& file : files)
    if (auto read = read_file_of(file, fleet_keys, out); !read) return Unexpected(read.error());
  if (out.empty()) return Unexpected(path + " has no tickets (*.json, *.txt)");
  return out;
}

}  // namespace headgate::preflight
