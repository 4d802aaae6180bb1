// SPDX-License-Identifier: LGPL-2.1-or-later
// The name that an RTMP publisher publishes.
#include <ticket/publish_name.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace headgate;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  auto name = ticket::parse_publish_name(text);
  if (name) {
    if (text.find(name->wire) == text.npos) std::abort();
    if (name->app && (name->secret || !name->station)) std::abort();
    if (name->secret && text.find(name->wire + "." + *name->secret) == text.npos) std::abort();
    return 0;
  }
  // It goes to logs and screens.
  const Error& error = name.error();
  if (error.code != ticket::kBadRequest || error.message.empty() || error.message.size() >= 200) std::abort();
  if (!std::ranges::all_of(error.message, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
  return 0;
}
