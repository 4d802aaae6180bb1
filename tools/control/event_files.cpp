// SPDX-License-Identifier: LGPL-2.1-or-later
#include "event_files.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <numeric>
#include <tuple>

#include "event.h"
#include "line_file.h"

namespace headgate::control {
namespace {

constexpr size_t kDayLength = 10;  // YYYY-MM-DD
constexpr std::string_view kEnd = ".jl";
constexpr int64_t kDaySeconds = 24 * 3600;
// A file that somebody else has made larger is not read whole.
constexpr size_t kMaxReadBytes = 4 * kMaxFileBytes;

std::string day_of(int64_t utc_us) {
  const time_t seconds = utc_us / 1'000'000;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

// "2026-11-22.jl", "2026-11-22.2.jl"
bool parse_name(std::string_view name, std::string& day, int& number) {
  if (name.size() < kDayLength + kEnd.size() || !name.ends_with(kEnd)) return false;
  day = name.substr(0, kDayLength);
  for (size_t i = 0; i < day.size(); ++i)
    if (i == 4 || i == 7 ? day[i] != '-' : day[i] < '0' || day[i] > '9') return false;
  std::string_view rest = name.substr(kDayLength, name.size() - kDayLength - kEnd.size());
  number = 1;
  if (rest.empty()) return true;
  auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
  return rest[0] == '.' && error == std::errc() && end == rest.data() + rest.size() && number > 1;
}

}  // namespace

std::string EventFiles::File::name() const {
  return day + (number > 1 ? "." + std::to_string(number) : "") + std::string(kEnd);
}

void EventFiles::File::has(uint64_t id, uint64_t offset) {
  if (first == 0) first = id;
  last = std::max(last, id);
  if (marks.empty() || offset - marks.back().offset >= kMarkBytes) marks.push_back({id, offset});
}

uint64_t EventFiles::File::offset_of(uint64_t id) const {
  const auto behind = std::upper_bound(marks.begin(), marks.end(), id,
                                       [](uint64_t wanted, const Mark& mark) { return wanted < mark.id; });
  return behind == marks.begin() ? 0 : std::prev(behind)->offset;
}

EventFiles::EventFiles(std::string folder, const FileLimits& limits)
    : folder_(std::move(folder)), limits_(limits) {}

Result<void> EventFiles::open() {
  if (auto made = make_directories(folder_); !made) return made;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    File file;
    if (parse_name(entry.path().filename().string(), file.day, file.number)) files_.push_back(file);
  }
  if (error) return Unexpected(folder_ + ": " + error.message());
  std::sort(files_.begin(), files_.end(), [](const File& a, const File& b) {
    return std::tie(a.day, a.number) < std::tie(b.day, b.number);
  });
  for (File& file : files_) look_at(file);
  if (files_.empty()) return {};
  return open_for(files_.back().day);
}

void EventFiles::look_at(File& file) const {
  const LineFile lines(folder_ + "/" + file.name());
  if (lines.size() > kMaxReadBytes) return;
  file.bytes = lines.size();
  lines.read(0, kMaxLineBytes, [&](std::string_view line, uint64_t at) {
    if (const auto id = id_of(line)) file.has(*id, at);
    return true;
  });
}

// The newest file, or one behind it.
Result<void> EventFiles::open_for(const std::string& day) {
  File next;
  next.day = day;
  if (!files_.empty()) {
    const File& newest = files_.back();
    if (newest.day >= day) next.day = newest.day, next.number = newest.number + 1;
    if (newest.day >= day && newest.bytes < limits_.file_bytes) next = newest;
  }
  const bool known = !files_.empty() && files_.back().name() == next.name();
  auto fd = open_file(folder_ + "/" + next.name(), O_RDWR | O_CREAT | O_APPEND);
  if (!fd) return Unexpected(fd.error());
  char last = '\n';
  struct stat state {};
  if (::fstat(fd->get(), &state) == 0 && state.st_size > 0 &&
      ::pread(fd->get(), &last, 1, state.st_size - 1) == 1 && last != '\n')
    if (auto ended = write_all(fd->get(), as_bytes("\n")); !ended) return ended;
  if (!known) files_.push_back(next);
  if (::fstat(fd->get(), &state) == 0) files_.back().bytes = static_cast<uint64_t>(state.st_size);
  fd_ = *std::move(fd);
  return {};
}

Result<void> EventFiles::append(uint64_t id, int64_t utc_us, const std::string& line) {
  if (line.size() > kMaxLineBytes) return Unexpected("an event of " + std::to_string(line.size()) + " bytes");
  const std::string day = day_of(utc_us);
  if (!fd_ || files_.empty() || files_.back().day < day || files_.back().bytes >= limits_.file_bytes) {
    if (auto opened = open_for(day); !opened) return opened;
    remove_old(day);
  }
  File& file = files_.back();
  const std::string text = line + '\n';
  if (auto written = write_all(fd_.get(), as_bytes(text)); !written) {
    fd_.reset();  // what was written of it is ended when the file is opened again
    return written;
  }
  file.has(id, file.bytes);
  file.bytes += text.size();
  return {};
}

void EventFiles::remove_old(const std::string& today) {
  auto remove_first = [this] {
    ::unlink((folder_ + "/" + files_.front().name()).c_str());
    files_.erase(files_.begin());
  };
  tm parts{};
  const bool right = ::strptime(today.c_str(), "%Y-%m-%d", &parts) != nullptr;
  auto days_ago = [&](int64_t days) {
    return day_of((int64_t{::timegm(&parts)} - days * kDaySeconds) * 1'000'000);
  };
  auto last =
      std::find_if(files_.rbegin(), files_.rend(), [&](const File& file) { return file.day != today; });
  if (right && last != files_.rend() && last->day < today && last->day >= days_ago(1)) {
    const std::string oldest = days_ago(limits_.days - 1);
    while (files_.size() > 1 && files_.front().day < oldest) remove_first();
  }
  auto all = [this] {
    return std::accumulate(files_.begin(), files_.end(), uint64_t{0},
                           [](uint64_t sum, const File& file) { return sum + file.bytes; });
  };
  while (files_.size() > 1 && all() + limits_.file_bytes > limits_.all_bytes) remove_first();
}

void EventFiles::read_after(uint64_t after, const std::function<bool(uint64_t, std::string)>& on_line) const {
  bool more = true;
  for (const File& file : files_) {
    if (!more) return;
    if (file.last <= after) continue;
    const LineFile lines(folder_ + "/" + file.name());  // none: somebody has removed it
    if (lines.size() > kMaxReadBytes) continue;
    read_bytes_ += lines.read(file.offset_of(after + 1), kMaxLineBytes, [&](std::string_view line, uint64_t) {
      const auto id = id_of(line);
      if (id && *id > after) more = on_line(*id, std::string(line));
      return more;
    });
  }
}

uint64_t EventFiles::last_id() const {
  uint64_t out = 0;
  for (const File& file : files_) out = std::max(out, file.last);
  return out;
}

uint64_t EventFiles::first_id() const {
  for (const File& file : files_)
    if (file.first != 0) return file.first;
  return 0;
}

}  // namespace headgate::control
