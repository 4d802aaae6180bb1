// SPDX-License-Identifier: LGPL-2.1-or-later
// The corpus' files (README.md): what a client sent, and what it had in its hands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>

namespace headgate::corpus {

// What is not there is not known.
struct Track {
  std::optional<int64_t> frames, keys, first_dts_ms, last_dts_ms;
  std::string sha256;                     // of all packets' bytes
  std::map<std::string, double> numbers;  // width, height; sample_rate, channels
};

struct Recording {
  std::string name, protocol, key, user, password, salt, opaque;
  int64_t recorded = 0;  // Unix seconds
  uint32_t station = 0;
  bool farewell = false;  // it says that it ends, before it closes
  std::optional<Track> video, audio;
  std::vector<std::vector<ByteVector>> connections;  // pieces as they came
  ByteVector bytes(size_t connection) const;         // all of it
};

// Both files of a name. Throws std::runtime_error.
Recording load(const std::string& folder, const std::string& name);
// Of all recordings in the folder, sorted.
std::vector<std::string> names(const std::string& folder);

}  // namespace headgate::corpus
