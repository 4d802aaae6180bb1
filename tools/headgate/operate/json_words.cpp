// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_words.h"

#include <glib.h>

namespace headgate::cli {

std::string scalar_text(const Json& value) {
  if (value.is(Json::Kind::null)) return "";
  if (value.is(Json::Kind::string)) return value.token();
  const auto number = value.as_number();
  if (!number || value.token().find_first_of(".eE") == std::string::npos) return value.json();
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.12g", *number);
}

std::string journal_text(const Json& value) {
  if (value.is(Json::Kind::string)) return value.token();
  std::string out;
  if (!value.is(Json::Kind::array)) return out;
  for (const Json& one : value.items()) {
    if (one.is(Json::Kind::string)) return one.token();
    const auto byte = one.as_integer();
    if (!byte) return "";
    out += static_cast<char>(*byte);
  }
  return out;
}

}  // namespace headgate::cli
