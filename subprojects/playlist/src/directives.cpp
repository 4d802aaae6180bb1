// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/directives.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace headgate::playlist {
namespace {

// decimal-integer (RFC 8216, 4.2).
template <typename T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename T>
bool read_number(std::string_view value, std::optional<T>& out) {
  if (out) return false;
  out = number<T>(value);
  return out.has_value();
}

bool read(std::string_view name, std::string_view value, Directives& out) {
  if (name == "_HLS_msn") return read_number(value, out.msn);
  if (name == "_HLS_part") return read_number(value, out.part);
  if (name != "_HLS_skip") return true;
  if (out.skip || (value != "YES" && value != "v2")) return false;
  out.skip = true;
  return true;
}

size_t parts_in(const StreamIndex& index, uint64_t msn) {
  return index.parts_of(msn).size();
}

}  // namespace

Result<Directives> parse_directives(std::string_view query) {
  if (query.size() > kMaxQueryBytes) return Unexpected("the query is too long");
  Directives out;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const size_t equals = std::min(one.find('='), one.size());
    const std::string_view name = one.substr(0, equals);
    if (!read(name, one.substr(std::min(equals + 1, one.size())), out))
      return Unexpected(std::string(name) + " has no such value");
  }
  if (out.part && !out.msn) return Unexpected("_HLS_part without _HLS_msn");
  if (out.msn && *out.msn > kMaxNumber) return Unexpected("_HLS_msn has no such value");
  return out;
}

bool has(const StreamIndex& index, uint64_t msn, std::optional<uint32_t> part) {
  const uint64_t next = index.next_msn().value_or(0);
  if (!part || index.part_target_ms() == 0) return msn < next;
  if (msn == next) return parts_in(index, msn) > *part;
  if (msn > next) return false;
  const size_t known = parts_in(index, msn);
  return known == 0 || *part < known || msn + 1 < next || parts_in(index, next) > 0;
}

bool too_far_ahead(const StreamIndex& index, uint64_t msn, std::optional<uint32_t> part) {
  const uint64_t next = index.next_msn().value_or(0);
  const size_t open = parts_in(index, next);
  if (msn > next + kMaxSegmentsAhead - (open > 0 ? 0 : 1)) return true;
  const uint32_t part_ms = index.part_target_ms();
  if (!part || part_ms == 0 || msn < next) return false;
  constexpr uint32_t kMsPerSecond = 1000, kLimit = 3;
  const uint32_t limit = part_ms < kMsPerSecond ? (kLimit * kMsPerSecond + part_ms - 1) / part_ms : kLimit;
  const uint32_t of_segment = index.target_seconds() * kMsPerSecond / part_ms;
  return *part >= std::max<size_t>(msn == next ? open : 0, of_segment) + limit;
}

std::optional<PartName> next_part(const StreamIndex& index) {
  if (index.part_target_ms() == 0 || !index.next_msn()) return std::nullopt;
  return PartName{*index.next_msn(), static_cast<uint32_t>(parts_in(index, *index.next_msn()))};
}

std::optional<PartName> hinted_part(const StreamIndex& index) {
  if (!index.run_open() || !index.next_msn()) return std::nullopt;
  const auto parts = index.parts_of(*index.next_msn());
  return parts.empty() || parts.back().length > 0 ? next_part(index) : std::nullopt;
}

}  // namespace headgate::playlist
