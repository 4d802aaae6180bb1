// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/url.h>
#include <glib.h>

#include <memory>

namespace headgate::check {

std::optional<std::string> resolve(const std::string& base, const std::string& reference) {
  std::unique_ptr<char, decltype(&g_free)> url(
      g_uri_resolve_relative(base.c_str(), reference.c_str(), G_URI_FLAGS_ENCODED, nullptr), &g_free);
  if (!url) return std::nullopt;
  return std::string(url.get());
}

std::string with_query(const std::string& url, const std::string& directives) {
  const std::string bare = url.substr(0, url.find('#'));
  return bare + (bare.find('?') == std::string::npos ? "?" : "&") + directives;
}

std::string without_query(const std::string& url) {
  return url.substr(0, url.find_first_of("?#"));
}

}  // namespace headgate::check
