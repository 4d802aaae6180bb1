// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_file.h"

#include <base/masked.h>
#include <glib.h>
#include <pipeline/folder.h>

#include <filesystem>
#include <memory>
#include <system_error>

namespace headgate::serve {
namespace {

struct KeyFileFree {
  void operator()(GKeyFile* file) const { g_key_file_free(file); }
};

std::string taken(gchar* text) {
  std::string out = text ? text : "";
  g_free(text);
  return out;
}

std::vector<std::string> taken(gchar** list) {
  std::vector<std::string> out;
  for (gchar** one = list; one && *one; ++one) out.emplace_back(*one);
  g_strfreev(list);
  return out;
}

}  // namespace

Result<std::vector<KeyValue>> read_key_file(const std::string& path) {
  const auto bytes = pipeline::read_text(path, kMaxKeyFileBytes);
  if (!bytes) return Unexpected(bytes.error());
  const std::unique_ptr<GKeyFile, KeyFileFree> file(g_key_file_new());
  GError* error = nullptr;
  if (!g_key_file_load_from_data(file.get(), as_text(*bytes).data(), bytes->size(), G_KEY_FILE_NONE,
                                 &error)) {
    const std::string reason = masked(error->message);  // which quotes the line
    g_error_free(error);
    return Unexpected(path + ": " + reason);
  }
  std::vector<KeyValue> out;
  for (const std::string& section : taken(g_key_file_get_groups(file.get(), nullptr)))
    for (const std::string& key : taken(g_key_file_get_keys(file.get(), section.c_str(), nullptr, nullptr))) {
      const std::string place = path + ": [" + section + "] " + key;
      gchar* value = g_key_file_get_string(file.get(), section.c_str(), key.c_str(), nullptr);
      if (!value) return Unexpected(place + ": the value is no text in UTF-8");
      out.push_back({section, key, taken(value), place});
    }
  return out;
}

bool is_secret(const KeyValue& one) {
  std::error_code error;
  if (one.value.starts_with('/') && std::filesystem::is_regular_file(one.value, error)) return false;
  const std::string text = one.key + "=" + one.value;
  return masked(text) != text;
}

}  // namespace headgate::serve
