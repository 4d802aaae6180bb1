// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands in tags (draft-pantos-hls-rfc8216bis-22, 4.2).
#pragma once

#include <conformance/m3u8.h>

namespace headgate::conformance {

struct Attribute {
  std::string_view name, value;  // without quotes
  bool quoted = false;
};
// Reads as far as the list is one; `fault` says what is wrong with the rest, if anything.
std::vector<Attribute> read_attributes(std::string_view text, std::string& fault);

std::optional<uint64_t> read_integer(std::string_view text);
// decimal-floating-point, to the nearest microsecond; nothing over `most` seconds.
std::optional<Micros> read_decimal(std::string_view text, uint64_t most = kMaxSeconds);
std::optional<std::pair<uint64_t, uint64_t>> read_resolution(std::string_view text);
// "<n>[@<o>]"
struct WrittenRange {
  uint64_t length = 0;
  std::optional<uint64_t> offset;
};
std::optional<WrittenRange> read_range(std::string_view text);

struct WrittenDate {
  Micros utc = 0;
  bool zone = false, milliseconds = false;
};
// ISO 8601, as EXT-X-PROGRAM-DATE-TIME has it; without a zone as if in UTC.
std::optional<WrittenDate> read_date(std::string_view text);

// Why `text` is not UTF-8 without control characters but CR and LF (4.1); empty: it is.
std::string fault_in_text(std::string_view text);

}  // namespace headgate::conformance
