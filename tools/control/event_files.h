// SPDX-License-Identifier: LGPL-2.1-or-later
// DATA/events/YYYY-MM-DD.jl: a line for each event, by its day in UTC, the oldest first. A day that has more
// than kMaxFileBytes goes on in YYYY-MM-DD.2.jl and so on. What is older than kMaxDays files' days, or more
// than kMaxAllBytes, is removed, the oldest first; by age only on the day after one with events, as a clock
// that jumps would have everything removed. A clock that goes back makes no earlier file: ids ascend
// from file to file. Nothing waits for the disk to be flushed: a power cut takes the last moments. Where in a
// file which id stands is kept for every kMarkBytes of it (64 kB of memory for all that there may be), so
// that nobody who reads on, however far behind, reads again what he has had.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::control {

inline constexpr int64_t kMaxDays = 30;
inline constexpr uint64_t kMaxFileBytes = 8 << 20;
inline constexpr uint64_t kMaxAllBytes = 64 << 20;
inline constexpr size_t kMaxLineBytes = 64 << 10;  // longer ones are not written
inline constexpr uint64_t kMarkBytes = 16 << 10;

struct FileLimits {
  int64_t days = kMaxDays;
  uint64_t file_bytes = kMaxFileBytes, all_bytes = kMaxAllBytes;
};

class EventFiles {
 public:
  EventFiles(std::string folder, const FileLimits& limits);

  // Makes the folder, looks what is there, ends a line that a crash has cut.
  Result<void> open();
  const std::string& folder() const { return folder_; }
  // `line` without its end; the event's id and time.
  Result<void> append(uint64_t id, int64_t utc_us, const std::string& line);
  // The lines with an id above `after`, ascending, until `on_line` says false or there are no more. Lines
  // that are not whole are left out.
  void read_after(uint64_t after, const std::function<bool(uint64_t id, std::string line)>& on_line) const;
  uint64_t last_id() const;   // of the files as they were opened and since; 0: none
  uint64_t first_id() const;  // that is still there; 0: none
  // That read_after() has read of the disk since this was made.
  uint64_t read_bytes() const { return read_bytes_; }

 private:
  struct Mark {
    uint64_t id, offset;  // of a line, in the file
  };
  struct File {
    std::string day;  // YYYY-MM-DD
    int number = 1;
    uint64_t bytes = 0, first = 0, last = 0;  // ids; 0: not known
    std::vector<Mark> marks{};                // ascending, at least kMarkBytes between two
    std::string name() const;
    void has(uint64_t id, uint64_t offset);  // an event's line, behind all before
    uint64_t offset_of(uint64_t id) const;   // where to begin reading for it
  };
  void look_at(File& file) const;
  Result<void> open_for(const std::string& day);
  void remove_old(const std::string& today);

  const std::string folder_;
  const FileLimits limits_;
  std::vector<File> files_;  // oldest first
  UniqueFd fd_;              // of the last one, for appending
  mutable uint64_t read_bytes_ = 0;
};

}  // namespace headgate::control
