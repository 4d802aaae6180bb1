// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recording.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include <base/io.h>
#include <base/json.h>

namespace headgate::corpus {
namespace {

constexpr size_t kLargest = 100'000;  // bytes, as in record.py

std::optional<Track> track(const Json& found) {
  if (!found.is_object()) return std::nullopt;
  Track out;
  out.frames = found.at("frames").as_integer();
  out.keys = found.at("keys").as_integer();
  out.first_dts_ms = found.at("first_dts_ms").as_integer();
  out.last_dts_ms = found.at("last_dts_ms").as_integer();
  out.sha256 = found.text("sha256");
  for (const char* name : {"width", "height", "sample_rate", "channels"})
    if (const auto number = found.at(name).as_number()) out.numbers[name] = *number;
  return out;
}

void read_facts(const std::string& path, Recording& out) {
  auto bytes = read_file(path, kLargest);
  if (!bytes) throw std::runtime_error(bytes.error().message);
  const auto facts = Json::parse(as_text(*bytes));
  if (!facts) throw std::runtime_error(path + ":" + facts.error().message);
  out.protocol = facts->text("protocol");
  out.key = facts->text("key");
  out.user = facts->text("user");
  out.password = facts->text("password");
  out.recorded = facts->integer("recorded");
  out.station = static_cast<uint32_t>(facts->integer("station"));
  out.farewell = facts->truth("farewell");
  out.video = track(facts->at("video"));
  out.audio = track(facts->at("audio"));
  const std::vector<Json>& challenges = facts->at("challenges").items();
  if (challenges.size() != 1) return;
  out.salt = challenges[0].text("salt");
  out.opaque = challenges[0].text("opaque");
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
