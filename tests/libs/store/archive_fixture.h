// SPDX-License-Identifier: LGPL-2.1-or-later
// A place for an archive, a volume on it, and the independent checker.
#pragma once

#include <gtest/gtest.h>
#include <playlist/record.h>
#include <store/reader.h>
#include <store/run_writer.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "synthetic_media.h"

namespace headgate::store {

using playlist::Record;
using Records = std::vector<Record>;

// Those of one kind, in their order.
template <typename T>
std::vector<T> only(const Records& records) {
  std::vector<T> out;
  for (const Record& record : records)
    if (auto* wanted = std::get_if<T>(&record)) out.push_back(*wanted);
  return out;
}

// In memory where possible: a commit then costs nothing and other users of the disk do not slow it down.
class ArchiveDirectory {
 public:
  ArchiveDirectory();
  ~ArchiveDirectory();
  ArchiveDirectory(const ArchiveDirectory&) = delete;
  ArchiveDirectory& operator=(const ArchiveDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Checked {
  bool ok = false;
  std::string text;  // what tests/support/check_archive.py printed
};
Checked check_archive(const std::string& root);

std::string describe(const Record& record);
std::string describe(const Records& records);

std::string read_text(const std::string& path);
void write_text(const std::string& path, std::string_view text);
std::vector<std::string> files_in(const std::string& directory);
// The lines of a run's chain that have this type.
std::vector<std::string> lines_of(const std::string& run_directory, const std::string& type);
// The integer after "<key>": in a line; fails the test when there is none.
int64_t number_in(const std::string& line, const std::string& key);

class ArchiveTest : public testing::Test {
 protected:
  static constexpr int64_t kStart = 1'789'365'600'000'000;  // 2026-09-14T06:00:00Z
  static constexpr uint32_t kEvent = 7, kStation = 421;

  std::shared_ptr<Volume> volume();
  // A run with `parts` parts written; told records go to `told`.
  struct Session {
    Records told;  // outlives the writer, which tells of its end when it goes
    std::unique_ptr<RunWriter> writer;
    std::unique_ptr<test::SyntheticMedia> media;
  };
  std::unique_ptr<Session> open(const std::shared_ptr<Volume>& volume, const RunInfo& info,
                                const test::SyntheticSettings& media = {}, const RunSettings& run = {});
  std::unique_ptr<Session> open(const std::shared_ptr<Volume>& volume) { return open(volume, info()); }
  static RunInfo info(uint32_t station = kStation);
  // Writes the next parts; the clock follows the media.
  void write(Session& session, int parts);
  std::string run_directory(const std::string& run, uint32_t station = kStation) const;
  Records read(const std::string& run, uint32_t station = kStation) const;
  void expect_sound() const;

  ArchiveDirectory directory_;
  ManualClock clock_{kStart, 5'000'000};
  VolumeSettings settings_ = [this] {
    VolumeSettings settings;
    settings.root = directory_.path();
    settings.reserve_bytes = 64 * 1024;
    settings.min_free_bytes = 1024 * 1024;
    return settings;
  }();
};

}  // namespace headgate::store
