// SPDX-License-Identifier: LGPL-2.1-or-later
// An SRT caller's stream id.
#include <ticket/stream_id.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace headgate;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  auto id = ticket::parse_stream_id(text);
  if (id) {
    if (size > ticket::kMaxStreamIdSize || id->wire.empty()) std::abort();
    if (text.find(id->wire) == text.npos || text.find("publish") == text.npos) std::abort();
    return 0;
  }
  const Error& error = id.error();
  if (error.code != ticket::kBadRequest && error.code != ticket::kBadMode &&
      error.code != ticket::kUnsupportedMedia)
    std::abort();
  // It goes to logs and screens.
  if (error.message.empty() || error.message.size() >= 200) std::abort();
  if (!std::ranges::all_of(error.message, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
  return 0;
}
