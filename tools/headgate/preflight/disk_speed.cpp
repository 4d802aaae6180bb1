// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk_speed.h"

#include <base/io.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include <base/clock.h>

#include "checks.h"
#include "program.h"
#include "scratch.h"

namespace headgate::preflight {
namespace {

constexpr int64_t kMostMs = 3000;
constexpr uint64_t kMostBytes = 256u << 20, kLeastBytesPerSync = 4u << 20, kMostBytesPerSync = 64u << 20;
constexpr int kMostFiles = 64;
constexpr double kPartSeconds = 0.5;
// The archive commits each second; what takes longer is that much more that a power cut can take.
constexpr double kSlowSyncMs = 1000, kHopelessSyncMs = 5000;
// docs/scale.md: of a disk's lasting rate, planned with.
constexpr double kShareOfDisk = 0.75;

}  // namespace

Result<WriteSpeed> measure_writing(const std::string& folder, const WritePattern& pattern,
                                   const std::function<void(double share)>& told) {
  // No zeros: disks may compress.
  ByteVector part(pattern.part_bytes);
  std::mt19937_64 random(1);
  std::generate(part.begin(), part.end(), [&] { return static_cast<std::byte>(random()); });
  std::vector<UniqueFd> files;
  for (int i = 0; i < pattern.files; ++i) {
    auto file = open_file(folder + "/" + std::to_string(i), O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
    if (!file) return Unexpected(file.error());
    files.push_back(*std::move(file));
  }
  WriteSpeed out;
  uint64_t written = 0;
  size_t next = 0;
  const int64_t began_us = system_clock().mono_us();
  int64_t now_us = began_us;
  do {
    for (uint64_t of_sync = 0; of_sync < pattern.bytes_per_sync;
         of_sync += part.size(), written += part.size()) {
      if (auto done = write_all(files[next++ % files.size()].get(), part); !done)
        return Unexpected(done.error());
    }
    const int64_t sync_us = system_clock().mono_us();
    if (::syncfs(files[0].get()) != 0) return errno_error("syncfs");
    now_us = system_clock().mono_us();
    out.sync_ms.push_back(static_cast<double>(now_us - sync_us) / 1000);
    told(static_cast<double>(written) / static_cast<double>(pattern.most_bytes));
  } while (written < pattern.most_bytes && now_us - began_us < pattern.most_ms * 1000 && !interrupted());
  out.bytes_per_second =
      static_cast<double>(written) * 1e6 / static_cast<double>(std::max<int64_t>(1, now_us - began_us));
  std::sort(out.sync_ms.begin(), out.sync_ms.end());
  return out;
}

Outcome check_disk_speed(Context& context) {
  auto scratch = Scratch::make(context.volume(), {});
  if (!scratch) return Outcome().fail(scratch.error().message, "the folder has to be writable");
  WritePattern pattern;
  pattern.part_bytes = static_cast<size_t>(static_cast<double>(context.plan.kbps) * 125 * kPartSeconds);
  if (context.plan.any())
    pattern.files = static_cast<int>(std::min<int64_t>(context.plan.streams, kMostFiles));
  pattern.bytes_per_sync = std::clamp(static_cast<uint64_t>(context.plan.bytes_per_second()),
                                      kLeastBytesPerSync, kMostBytesPerSync);
  pattern.most_bytes = kMostBytes;
  pattern.most_ms = kMostMs;
  auto speed = measure_writing(scratch->path(), pattern, [&](double share) {
    context.progress("writing, " + std::to_string(static_cast<int>(share * 100)) + " % of " +
                     bytes_text(static_cast<double>(kMostBytes)));
  });
  if (!speed) return Outcome().fail(speed.error().message, "the archive could not be written either");
  char text[160];
  std::snprintf(text, sizeof text, "%.0f MB/s on the disk; a sync takes %.1f ms, the longest %.0f ms",
                speed->bytes_per_second / 1e6, speed->median_ms(), speed->worst_ms());
  Outcome out;
  out.measured = text;
  const double needed = context.plan.bytes_per_second();
  if (context.plan.any()) out.measured += "; " + context.plan.text() + ": " + bytes_text(needed) + "/s";
  const char* faster = "take a faster disk, or spread the stations over more nodes";
  if (speed->bytes_per_second < needed)
    out.fail(context.plan.text() + " are " + bytes_text(needed) + "/s: more than the disk takes", faster);
  else if (speed->bytes_per_second * kShareOfDisk < needed)
    out.warn("the plan takes more than three quarters of what the disk can", faster);
  if (speed->worst_ms() > kHopelessSyncMs)
    out.fail("a sync took more than 5 s",
             "is the disk failing, or busy with something else? (dmesg, iostat -x 1)");
  else if (speed->worst_ms() > kSlowSyncMs)
    out.warn("a sync took more than a second: so much more of every recording is lost in a power cut",
             "find what else uses the disk (iostat -x 1)");
  return out;
}

}  // namespace headgate::preflight
