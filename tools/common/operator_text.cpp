// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operator_text.h"

#include <glib.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

namespace headgate::tools {

bool is_plain_text(const std::string& text) {
  if (!g_utf8_validate_len(text.data(), text.size(), nullptr)) return false;
  for (const char *at = text.data(), *end = at + text.size(); at < end; at = g_utf8_next_char(at))
    if (g_unichar_iscntrl(g_utf8_get_char(at))) return false;
  return true;
}

bool is_rtmp_address(const std::string& text) {
  if (text.size() > kMaxReconnectBytes ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }))
    return false;
  const std::unique_ptr<GUri, decltype(&g_uri_unref)> uri(
      g_uri_parse(text.c_str(), G_URI_FLAGS_ENCODED, nullptr), &g_uri_unref);
  if (!uri || !g_uri_get_host(uri.get()) || *g_uri_get_host(uri.get()) == 0) return false;
  const std::string_view scheme = g_uri_get_scheme(uri.get());
  return scheme == "rtmp" || scheme == "rtmps";
}

std::optional<uint64_t> session_of_text(const std::string& text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace headgate::tools
