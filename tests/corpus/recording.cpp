// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording.h"

#include <json-glib/json-glib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include <base/io.h>

namespace headgate::corpus {
namespace {

constexpr size_t kLargest = 100'000;  // bytes, as in record.py

struct Unref {
  void operator()(JsonParser* parser) const { g_object_unref(parser); }
};

std::string text(JsonObject* object, const char* name) {
  const char* found = json_object_get_string_member_with_default(object, name, "");
  return found ? found : "";
}

std::optional<int64_t> number(JsonObject* object, const char* name) {
  if (!json_object_has_member(object, name)) return std::nullopt;
  return json_object_get_int_member(object, name);
}

std::optional<Track> track(JsonObject* object, const char* name) {
  if (!json_object_has_member(object, name)) return std::nullopt;
  JsonObject* found = json_object_get_object_member(object, name);
  Track out;
  out.frames = number(found, "frames");
  out.keys = number(found, "keys");
  out.first_dts_ms = number(found, "first_dts_ms");
  out.last_dts_ms = number(found, "last_dts_ms");
  out.sha256 = text(found, "sha256");
  for (const char* name_of : {"width", "height", "sample_rate", "channels"})
    if (json_object_has_member(found, name_of))
      out.numbers[name_of] = json_object_get_double_member(found, name_of);
  return out;
}

void read_facts(const std::string& path, Recording& out) {
  std::unique_ptr<JsonParser, Unref> parser(json_parser_new());
  if (!json_parser_load_from_file(parser.get(), path.c_str(), nullptr)) throw std::runtime_error(path);
  JsonObject* root = json_node_get_object(json_parser_get_root(parser.get()));
  out.protocol = text(root, "protocol");
  out.key = text(root, "key");
  out.user = text(root, "user");
  out.password = text(root, "password");
  out.recorded = json_object_get_int_member(root, "recorded");
  out.station = static_cast<uint32_t>(json_object_get_int_member(root, "station"));
  out.farewell = json_object_get_boolean_member_with_default(root, "farewell", false);
  out.video = track(root, "video");
  out.audio = track(root, "audio");
  if (!json_object_has_member(root, "challenges")) return;
  JsonArray* challenges = json_object_get_array_member(root, "challenges");
  if (json_array_get_length(challenges) != 1) return;
  JsonObject* challenge = json_array_get_object_element(challenges, 0);
  out.salt = text(challenge, "salt");
  out.opaque = text(challenge, "opaque");
}

void read_pieces(const std::string& path, Recording& out) {
  auto data = read_file(path, kLargest);
  if (!data) throw std::runtime_error(data.error().message);
  ByteReader reader(*data);
  if (as_text(reader.bytes(4)) != "HGR1") throw std::runtime_error(path + " is no recording");
  while (reader.ok() && reader.remaining() > 0) {
    size_t connection = reader.u8();
    reader.u32();  // when
    Bytes piece = reader.bytes(reader.u32());
    if (out.connections.size() <= connection) out.connections.resize(connection + 1);
    if (!piece.empty()) out.connections[connection].emplace_back(piece.begin(), piece.end());
  }
  if (!reader.ok()) throw std::runtime_error(path + " is cut short");
}

}  // namespace

ByteVector Recording::bytes(size_t connection) const {
  ByteVector all;
  for (const ByteVector& piece : connections.at(connection))
    all.insert(all.end(), piece.begin(), piece.end());
  return all;
}

Recording load(const std::string& folder, const std::string& name) {
  Recording out;
  out.name = name;
  read_facts(folder + "/" + name + ".json", out);
  read_pieces(folder + "/" + name + ".rec", out);
  return out;
}

std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".rec") out.push_back(entry.path().stem());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace headgate::corpus
