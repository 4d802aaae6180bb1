// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operator_text.h"

#include <glib.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace headgate::tools {

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

}  // namespace headgate::tools
