// SPDX-License-Identifier: LGPL-2.1-or-later
// Where things lie under an archive's root (docs/archive.md, layout). Paths only; nothing is opened here
// except directories to list them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::store {

inline constexpr std::string_view kChainName = "run.jl";

// lta/<event>
std::string event_directory(uint32_t event);
// lta/<event>/st/<station mod 256, hex>/<station, 6 digits>
std::string station_directory(uint32_t event, uint32_t station);
// "000000" of media file 0; + ".mp4.part", ".mp4", ".fhx"
std::string file_stem(uint32_t index);
// The index of "000000.mp4" and "000000.mp4.part".
std::optional<uint32_t> media_index(std::string_view name);

// <UTC compact>-<node>-<4 hex>. The hex digits are the second's fraction in 1/65536, so that names sort in
// the order the runs were opened.
struct RunName {
  uint64_t ticks = 0;  // 1/65536 s since the Unix epoch
  std::string node;
  std::string text() const;
};
std::optional<RunName> parse_run_name(std::string_view name);
RunName run_name_at(int64_t utc_us, const std::string& node);

bool valid_node_name(std::string_view node);  // [a-z0-9-]{1,32}

// Names in a directory, sorted; empty when it cannot be read.
std::vector<std::string> list_directory(const std::string& path);

}  // namespace headgate::store
