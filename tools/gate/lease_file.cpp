// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lease_file.h"

#include <base/encoding.h>
#include <base/io.h>
#include <common/log.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace headgate::gate {
namespace {

constexpr char kVersion[] = "1";
constexpr char kNoDevice[] = "-";
constexpr unsigned kMode = 0600;
constexpr uint64_t kGrowth = 4;

// "1 TID EXPIRES EPOCH ADDRESS KEY COUNTER": hex, decimal; KEY is - and COUNTER 0 without a device.
std::string line_of(const ticket::Holding& holding) {
  const auto& device = holding.holder.device;
  std::ostringstream out;
  out << kVersion << ' ' << to_hex(holding.tid) << ' ' << holding.expires << ' ' << holding.epoch << ' '
      << (holding.holder.address.empty() ? kNoDevice : holding.holder.address) << ' '
      << (device ? to_hex(device->key) : kNoDevice) << ' ' << (device ? device->counter : 0) << '\n';
  return out.str();
}

template <size_t kSize>
bool read_hex(const std::string& text, std::array<std::byte, kSize>& out) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != kSize) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

// One that was killed may have left half a line.
bool ends_in_a_line(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  return size <= 0 || ::pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

std::optional<ticket::Holding> read_line(const std::string& line) {
  std::istringstream in(line);
  std::string version, tid, key;
  ticket::Holding out;
  ticket::Device device;
  in >> version >> tid >> out.expires >> out.epoch >> out.holder.address >> key >> device.counter;
  if (in.fail() || version != kVersion || !read_hex(tid, out.tid)) return std::nullopt;
  if (out.holder.address == kNoDevice) out.holder.address.clear();
  if (key == kNoDevice) return out;
  if (!read_hex(key, device.key)) return std::nullopt;
  out.holder.device = device;
  return out;
}

}  // namespace

LeaseFile::LeaseFile(std::string path, uint64_t compact_bytes)
    : path_(std::move(path)),
      least_bytes_(compact_bytes),
      compact_at_(compact_bytes),
      thread_([this] { run(); }) {}

LeaseFile::~LeaseFile() {
  queue_.lock()->end = true;
  changed_.notify_all();
  thread_.join();
}

Result<std::vector<ticket::Holding>> LeaseFile::load(int64_t utc_seconds) const {
  if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return std::vector<ticket::Holding>();
  const auto bytes = read_file(path_, kMaxLeaseFileBytes);
  if (!bytes) return Unexpected(bytes.error());
  std::map<ticket::TicketId, ticket::Holding> latest;
  const std::string_view all = as_text(*bytes);
  // A last line without its end was being written.
  for (size_t at = 0, end = 0; (end = all.find('\n', at)) != all.npos; at = end + 1) {
    auto holding = read_line(std::string(all.substr(at, end - at)));
    if (!holding || utc_seconds > int64_t{holding->expires} + ticket::kGraceSeconds) continue;
    auto [found, first] = latest.try_emplace(holding->tid, *holding);
    if (!first && holding->epoch >= found->second.epoch) found->second = *std::move(holding);
  }
  std::vector<ticket::Holding> out;
  for (auto& [tid, holding] : latest) out.push_back(std::move(holding));
  return out;
}

void LeaseFile::keep(const ticket::Holding& holding, int64_t utc_seconds) {
  {
    auto queue = queue_.lock();
    queue->holdings.push_back(holding);
    queue->utc_seconds = utc_seconds;
  }
  changed_.notify_one();
}

void LeaseFile::run() {
  std::string told;  // each problem once
  for (;;) {
    std::vector<ticket::Holding> holdings;
    int64_t utc_seconds = 0;
    {
      auto queue = queue_.lock();
      changed_.wait(queue.mutex(), [&] { return queue->end || !queue->holdings.empty(); });
      if (queue->holdings.empty()) return;
      holdings.swap(queue->holdings);
      utc_seconds = queue->utc_seconds;
    }
    const auto written = write(holdings, utc_seconds);
    const std::string problem = written ? "" : written.error().message;
    if (problem != std::exchange(told, problem) && !problem.empty())
      tools::log_warning("who holds which ticket is forgotten when the gate dies: " + problem);
  }
}

// Whoever has written it anew meanwhile has put another file in its place.
Result<UniqueFd> LeaseFile::open_locked() const {
  for (;;) {
    auto fd = open_file(path_, O_RDWR | O_CREAT | O_APPEND, kMode);
    if (!fd) return fd;
    while (::flock(fd->get(), LOCK_EX) != 0)
      if (errno != EINTR) return errno_error("lock " + path_);
    struct stat mine {
    }, there{};
    if (::fstat(fd->get(), &mine) != 0) return errno_error(path_);
    if (::stat(path_.c_str(), &there) == 0 && mine.st_ino == there.st_ino) return fd;
  }
}

Result<void> LeaseFile::write(const std::vector<ticket::Holding>& holdings, int64_t utc_seconds) {
  auto fd = open_locked();
  if (!fd) return Unexpected(fd.error());
  std::string lines = ends_in_a_line(fd->get()) ? "" : "\n";
  for (const ticket::Holding& one : holdings) lines += line_of(one);
  if (auto written = write_all(fd->get(), as_bytes(lines)); !written) return written;
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return errno_error(path_);
  return static_cast<uint64_t>(status.st_size) >= compact_at_ ? compact(utc_seconds) : Result<void>();
}

Result<void> LeaseFile::compact(int64_t utc_seconds) {
  const auto all = load(utc_seconds);
  if (!all) return Unexpected(all.error());
  std::string lines;
  for (const ticket::Holding& one : *all) lines += line_of(one);
  compact_at_ = std::max<uint64_t>(least_bytes_, kGrowth * lines.size());
  return replace_file(path_, as_bytes(lines), kMode);
}

}  // namespace headgate::gate
