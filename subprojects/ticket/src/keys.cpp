// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/keys.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include <base/encoding.h>
#include <base/io.h>
#include <base/json.h>
#include <base/json_line.h>
#include <ticket/verifier.h>

#include "crypto.h"

namespace headgate::ticket {
namespace {

constexpr size_t kMaxEventFile = 4096;
constexpr int kMaxEventDepth = 4;
constexpr size_t kMaxKeyFile = 256;
constexpr size_t kMaxRegionSize = 32;
constexpr int kMaxKeyId = 255;
constexpr std::string_view kFormat = "headgate-event-1";

std::string event_path(const std::string& directory) {
  return directory + "/event.json";
}
std::string issuer_path(const std::string& directory, int kid, const char* ending) {
  return directory + "/issuer-" + std::to_string(kid) + ending;
}
std::string master_path(const std::string& directory, const std::string& region, int kid) {
  return directory + "/master-" + region + "-" + std::to_string(kid) + ".key";
}
std::string fleet_path(const std::string& directory, int id) {
  return directory + "/fleet-" + std::to_string(id) + ".key";
}

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

// A key file is one line of 64 hex digits.
Result<Key> read_key(const std::string& path, const char* purpose) {
  auto text = read_file(path, kMaxKeyFile);
  if (!text && text.error().code == ENOENT)
    return Unexpected(
        ENOENT, path + " is missing: " + purpose + ". Copy it from where 'headgate ticket keygen' made it");
  if (!text) return Unexpected(text.error());
  std::string_view digits = as_text(*text);
  while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r')) digits.remove_suffix(1);
  auto bytes = from_hex(digits);
  wipe(*text);
  Key key;
  if (!bytes || bytes->size() != key.size())
    return Unexpected(EINVAL, path + " is not a key file: it must be one line of 64 hex digits");
  std::ranges::copy(*bytes, key.begin());
  wipe(*bytes);
  return key;
}

// Flushed, and never over something that is there.
Result<void> write_new(const std::string& path, std::string_view text, unsigned mode) {
  auto fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), as_bytes(text)); !written) return written;
  if (fsync(fd->get()) != 0) return errno_error("write " + path);
  return {};
}

Result<void> write_new_key(const std::string& path, const Key& key, unsigned mode) {
  std::string text = to_hex(key) + "\n";
  auto written = write_new(path, text, mode);
  wipe(std::as_writable_bytes(std::span(text)));
  return written;
}

Key random_key() {
  Key key;
  random_bytes(key);
  return key;
}

template <typename T>
bool take_number(const Json& json, std::string_view key, T& out) {
  const auto number = json.at(key).as_integer();
  if (!number || *number < 0 || *number > int64_t{std::numeric_limits<T>::max()}) return false;
  out = static_cast<T>(*number);
  return true;
}

std::string event_json(const EventFile& file) {
  return JsonLine()
             .field("format", kFormat)
             .field("event", file.event)
             .field("kid", file.kid)
             .field("fleet", file.fleet)
             .field("region", file.region)
             .take() +
         "\n";
}

}  // namespace

bool is_region_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxRegionSize &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

Result<EventFile> load_event(const std::string& directory) {
  std::string path = event_path(directory);
  auto text = read_file(path, kMaxEventFile);
  if (!text && text.error().code == ENOENT)
    return Unexpected(ENOENT, path + " is missing: is this a folder made by 'headgate ticket keygen'?");
  if (!text) return Unexpected(text.error());
  const auto json = Json::parse(as_text(*text), {.bytes = kMaxEventFile, .depth = kMaxEventDepth});
  if (!json) return Unexpected(EINVAL, path + ": " + json.error().message);
  auto wrong = [&](const char* what) { return Unexpected(EINVAL, path + ": " + what); };
  if (!json->is_object()) return wrong("is not an object: { … }");
  EventFile file;
  if (json->text("format") != kFormat) return wrong("\"format\" must be \"headgate-event-1\"");
  if (!take_number(*json, "event", file.event))
    return wrong("\"event\" must be a number from 0 to 4294967295");
  if (!take_number(*json, "kid", file.kid)) return wrong("\"kid\" must be a number from 0 to 255");
  if (!take_number(*json, "fleet", file.fleet)) return wrong("\"fleet\" must be a number from 0 to 255");
  file.region = json->text("region");
  if (!is_region_name(file.region)) return wrong("\"region\" must be a name of a-z, 0-9 and '-'");
  return file;
}

Result<NodeKeys> load_node_keys(const std::string& directory) {
  auto file = load_event(directory);
  if (!file) return Unexpected(file.error());
  NodeKeys keys{.event = file->event, .issuers = {}, .masters = {}};
  for (int kid = 0; kid <= kMaxKeyId; ++kid) {
    std::string path = issuer_path(directory, kid, ".pub");
    if (!exists(path)) continue;
    auto issuer = read_key(path, "tickets are verified with it");
    if (!issuer) return Unexpected(issuer.error());
    auto master = read_key(master_path(directory, file->region, kid), "publishers' passwords come from it");
    if (!master) return Unexpected(master.error());
    keys.issuers[static_cast<uint8_t>(kid)] = *issuer;
    keys.masters[static_cast<uint8_t>(kid)] = *master;
  }
  if (keys.issuers.empty())
    return Unexpected(
        ENOENT, directory + " has no issuer-<kid>.pub: copy it from where 'headgate ticket keygen' made it");
  return keys;
}

Result<IssuerKeys> load_issuer_keys(const std::string& directory, std::optional<uint8_t> kid,
                                    bool with_fleet) {
  auto file = load_event(directory);
  if (!file) return Unexpected(file.error());
  IssuerKeys keys{
      .event = file->event, .kid = kid.value_or(file->kid), .issuer = {}, .master = {}, .fleet = {}};
  auto issuer = read_key(issuer_path(directory, keys.kid, ".key"), "tickets are signed with it");
  if (!issuer) return Unexpected(issuer.error());
  keys.issuer = *issuer;
  auto master = read_key(master_path(directory, file->region, keys.kid), "tickets' secrets come from it");
  if (!master) return Unexpected(master.error());
  keys.master = *master;
  if (with_fleet) {
    auto fleet = read_key(fleet_path(directory, file->fleet), "QR codes are sealed with it");
    if (!fleet) return Unexpected(fleet.error());
    keys.fleet = FleetKey{file->fleet, *fleet};
  }
  return keys;
}

Result<FleetKeys> load_fleet_keys(const std::string& directory) {
  FleetKeys keys;
  for (int id = 0; id <= kMaxKeyId; ++id) {
    std::string path = fleet_path(directory, id);
    if (!exists(path)) continue;
    auto key = read_key(path, "QR codes are opened with it");
    if (!key) return Unexpected(key.error());
    keys[static_cast<uint8_t>(id)] = *key;
  }
  return keys;
}

namespace {

// What a node needs of the folder, so that it can be given alone.
Result<void> write_node_folder(const std::string& directory, const EventFile& what, const Key& issuer_public,
                               const Key& master, std::vector<std::string>& paths) {
  std::string node = directory + "/" + std::string(kNodeFolder);
  if (auto made = make_directories(node, 0700); !made) return made;
  // In this order: a node that looks at the folder meanwhile finds no issuer without its master key.
  std::string secret = master_path(node, what.region, what.kid);
  if (auto written = write_new_key(secret, master, 0600); !written) return written;
  paths.push_back(secret);
  std::string pub = issuer_path(node, what.kid, ".pub");
  if (auto written = write_new_key(pub, issuer_public, 0644); !written) return written;
  paths.push_back(pub);
  if (!exists(event_path(node))) {
    auto event = load_event(directory);
    if (!event) return Unexpected(event.error());
    if (auto written = write_new(event_path(node), event_json(*event), 0644); !written) return written;
    paths.push_back(event_path(node));
  }
  return fsync_directory(node);
}

}  // namespace

bool holds_issuer_secret(const std::string& directory) {
  for (int kid = 0; kid <= kMaxKeyId; ++kid)
    if (exists(issuer_path(directory, kid, ".key"))) return true;
  return false;
}

Result<std::vector<std::string>> create_keys(const std::string& directory, const EventFile& what) {
  if (!is_region_name(what.region))
    return Unexpected(EINVAL, "'" + what.region + "' is not a region's name: up to 32 of a-z, 0-9 and '-'");
  if (auto made = make_directories(directory, 0700); !made) return Unexpected(made.error());
  bool new_event = !exists(event_path(directory));
  if (!new_event) {
    auto there = load_event(directory);
    if (!there) return Unexpected(there.error());
    if (there->event != what.event || there->region != what.region)
      return Unexpected(EEXIST, event_path(directory) + " is of event " + std::to_string(there->event) +
                                    ", region " + there->region + ": use a new folder");
  }
  Key issuer = random_key();
  struct NewKey {
    std::string path;
    Key key;
    unsigned mode;
  };
  std::array<NewKey, 4> files = {{
      {issuer_path(directory, what.kid, ".key"), issuer, 0600},
      {master_path(directory, what.region, what.kid), random_key(), 0600},
      {issuer_path(directory, what.kid, ".pub"), public_key_of(issuer), 0644},
      {fleet_path(directory, what.fleet), random_key(), 0600},
  }};
  for (const NewKey& file : files)
    if (exists(file.path))
      return Unexpected(
          EEXIST, file.path + " is there already and is not overwritten: choose another --kid or folder");
  std::vector<std::string> paths;
  Key master = files[1].key, issuer_public = files[2].key;
  for (NewKey& file : files) {
    auto written = write_new_key(file.path, file.key, file.mode);
    wipe(file.key);
    if (!written) return Unexpected(written.error());
    paths.push_back(file.path);
  }
  wipe(issuer);
  if (new_event) {
    if (auto written = write_new(event_path(directory), event_json(what), 0644); !written)
      return Unexpected(written.error());
    paths.push_back(event_path(directory));
  }
  auto node = write_node_folder(directory, what, issuer_public, master, paths);
  wipe(master);
  if (!node) return Unexpected(node.error());
  if (auto synced = fsync_directory(directory); !synced) return Unexpected(synced.error());
  return paths;
}

}  // namespace headgate::ticket
