// SPDX-License-Identifier: LGPL-2.1-or-later
// A media file held against its records, in one pass over its bytes; its frame index made again.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "records.h"

namespace headgate::store {

struct RecordedFile {
  std::optional<FileLine> init;
  std::vector<std::pair<uint64_t, FragLine>> frags;  // with their line numbers
  uint64_t end = 0;                                  // of the recorded bytes
  bool closed = false;
};

struct MediaCheck {
  uint64_t size = 0;          // on disk
  uint64_t attested = 0;      // recorded bytes that are there
  std::string sha;            // of those; hex, empty without hashes
  std::string tail_sha;       // of the bytes behind them
  std::string index_sha;      // of the .fhx, when it was made
  std::vector<uint64_t> bad;  // lines whose bytes are not what they say
  std::string problem;        // the file cannot be read
};

// `hashes` false: sizes only.
MediaCheck check_media(const std::string& directory, uint32_t index, const RecordedFile& file, bool hashes);

}  // namespace headgate::store
