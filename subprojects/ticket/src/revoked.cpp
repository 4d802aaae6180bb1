// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/encoding.h>
#include <base/io.h>
#include <ticket/revoked.h>

#include <algorithm>
#include <string>

namespace headgate::ticket {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

Result<std::set<TicketId>> parse_revoked(std::string_view text) {
  std::set<TicketId> out;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    std::string id(trimmed(line.substr(0, line.find('#'))));
    for (char& c : id)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (id.empty()) continue;
    TicketId tid{};
    const auto bytes = from_hex(id);
    if (!bytes || bytes->size() != tid.size())
      return Unexpected("line " + std::to_string(number) + " is no ticket's id (32 hex digits)");
    std::copy(bytes->begin(), bytes->end(), tid.begin());
    out.insert(tid);
  }
  return out;
}

Result<std::set<TicketId>> load_revoked(const std::string& path) {
  const auto text = read_file(path, kMaxRevokedBytes);
  if (!text) return Unexpected(text.error());
  auto list = parse_revoked(as_text(*text));
  if (!list) return Unexpected(path + ": " + list.error().message);
  return list;
}

}  // namespace headgate::ticket
