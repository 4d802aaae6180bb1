// SPDX-License-Identifier: LGPL-2.1-or-later
#include "volume_identity.h"

#include <base/io.h>
#include <base/json.h>
#include <base/json_line.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>

namespace headgate::store {
namespace {

constexpr size_t kMaxIdentityBytes = 4096;

struct Identity {
  std::string uuid;
  int64_t opens = 0;
};

std::string random_uuid() {
  std::array<unsigned char, 16> b{};
  while (::getrandom(b.data(), b.size(), 0) != static_cast<ssize_t>(b.size())) continue;
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);  // RFC 9562, version 4
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  char text[37];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                b[15]);
  return text;
}

Result<Identity> read_identity(const std::string& path) {
  auto bytes = read_file(path, kMaxIdentityBytes);
  if (!bytes) return Unexpected(bytes.error());
  const Json json = Json::object_of(as_text(*bytes));
  Identity identity{json.text("uuid"), json.integer("opens")};
  if (identity.uuid.empty())
    return Unexpected(EINVAL, path + ": not a volume's identity; restore it from a copy");
  return identity;
}

Result<void> write_identity(const std::string& path, const Identity& identity, bool durable) {
  JsonLine json;
  json.field("v", 1).field("uuid", identity.uuid).field("opens", identity.opens);
  std::string text = json.take() + "\n";
  if (durable) return replace_file(path, as_bytes(text));
  std::string temporary = path + ".tmp";
  auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return Unexpected(file.error());
  if (auto written = write_all(file->get(), as_bytes(text)); !written) return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary);
  return {};
}

// Processes take turns by a lock on the directory.
Result<UniqueFd> lock_directory(const std::string& path) {
  auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return directory;
  while (::flock(directory->get(), LOCK_EX) != 0)
    if (errno != EINTR) return errno_error("lock " + path);
  return directory;
}

}  // namespace

Result<std::string> open_identity(const std::string& event_directory, bool durable) {
  if (auto made = make_directories(event_directory); !made) return Unexpected(made.error());
  auto lock = lock_directory(event_directory);
  if (!lock) return Unexpected(lock.error());
  std::string path = event_directory + "/VOLUME.json";
  auto identity = read_identity(path);
  if (!identity && identity.error().code == ENOENT) identity = Identity{random_uuid(), 0};
  if (!identity) return Unexpected(identity.error());
  ++identity->opens;
  if (auto written = write_identity(path, *identity, durable); !written) return Unexpected(written.error());
  return identity->uuid;
}

Result<void> check_identity(const std::string& event_directory) {
  auto identity = read_identity(event_directory + "/VOLUME.json");
  if (!identity && identity.error().code != ENOENT) return Unexpected(identity.error());
  return {};
}

}  // namespace headgate::store
