// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pages.h"

#include <base/encoding.h>
#include <base/sha256.h>
#include <gio/gio.h>

namespace headgate::origin {
namespace {

constexpr char kFolder[] = "/headgate/page";
constexpr char kPackedFolder[] = "/headgate/packed";  // the same, each as gzip

// Null: there is none.
BytesPtr resource(const std::string& path) {
  return BytesPtr(g_resources_lookup_data(path.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr));
}

std::string type_of(const std::string& name) {
  static constexpr std::pair<const char*, const char*> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".json", kTypeJson},
  };
  for (auto& [ending, type] : kTypes)
    if (g_str_has_suffix(name.c_str(), ending)) return type;
  return "application/octet-stream";
}

}  // namespace

Pages::Pages() {
  gchar** names = g_resources_enumerate_children(kFolder, G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  for (gchar** name = names; name && *name; ++name) {
    std::string path = std::string(kFolder) + "/" + *name;
    BytesPtr bytes = resource(path);
    if (!bytes) continue;
    gsize size = 0;
    auto* data = static_cast<const std::byte*>(g_bytes_get_data(bytes.get(), &size));
    Digest digest = sha256(Bytes(data, size));
    std::string etag = "\"" + to_hex(Bytes(digest).first(8)) + "\"";
    BytesPtr packed = resource(std::string(kPackedFolder) + "/" + *name + ".gz");
    files_[*name] = {type_of(*name), etag, std::make_shared<const Text>(std::move(bytes), std::move(packed))};
  }
  g_strfreev(names);
}

Reply Pages::get(const std::string& name) const {
  auto file = files_.find(name);
  if (file == files_.end()) return text_reply(404, "There is no such page.");
  Reply reply;
  reply.type = file->second.type.c_str();
  reply.cache = kCacheMinute;
  reply.etag = file->second.etag;
  reply.text = file->second.text;
  return reply;
}

}  // namespace headgate::origin
