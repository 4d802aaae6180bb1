// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive's volume: whether a run could be opened on it now, and whether the plan fits.
#include <store/run_writer.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "checks.h"

namespace headgate::preflight {
namespace {

// Magic numbers of statfs(2).
constexpr struct {
  long magic;
  const char* name;
} kNetwork[] = {
    {0x6969, "NFS"}, {0x517B, "SMB"}, {static_cast<long>(0xFE534D42), "SMB"}, {0x65735546, "FUSE"}};
constexpr long kTmpfs = 0x01021994;

// docs/scale.md: written for each byte received, inodes that a stream takes in an hour.
constexpr double kWrittenPerReceived = 1.008;
constexpr double kInodesPerHour = 28;
constexpr double kLeastFree = 1000;  // with fewer inodes no run is opened (docs/archive.md)
// More than planned comes always: retries, a longer evening.
constexpr double kSpare = 1.1;

std::string reason(int error) {
  return std::generic_category().message(error);
}

void look_at_file_system(const std::string& volume, Outcome& out) {
  struct statfs info {};
  if (::statfs(volume.c_str(), &info) != 0) return;
  for (const auto& one : kNetwork)
    if (static_cast<long>(info.f_type) == one.magic)
      out.warn(std::string("the archive lies on ") + one.name +
                   ": a network or program that hangs stops every recording",
               "put the data folder on a disk of this machine");
  if (static_cast<long>(info.f_type) == kTmpfs)
    out.warn("the archive lies in memory and is lost with the machine's power",
             "put the data folder on a disk");
}

std::string hours_text(double hours) {
  char text[32];
  std::snprintf(text, sizeof text, hours < 100 ? "%.1f h" : "%.0f h", hours);
  return text;
}

}  // namespace

Outcome check_volume(Context& context) {
  const std::string volume = context.volume();
  Outcome out;
  out.measured =
      volume == context.config.data ? volume : context.config.data + " (to be made in " + volume + ")";
  if (int error = access_as(context.account, volume, W_OK | X_OK); error == EROFS)
    return out.fail("the archive's volume is read-only: " + volume,
                    "mount it for writing (dmesg tells whether the disk has failed)");
  else if (error != 0)
    return out.fail("the archive's folder cannot be written: " + volume + ": " + reason(error),
                    "give it to the user of the service: chown -R " +
                        (context.account ? context.account->name : std::string("USER")) + " " + volume);
  if (volume == context.config.data) {
    // As a run that is opened would find it. Room is another check's.
    store::VolumeSettings settings;
    settings.root = volume;
    settings.reserve_bytes = settings.min_free_bytes = 0;
    const auto event = context.config.event ? std::optional(context.config.event) : std::nullopt;
    const auto state = store::Volume::inspect(settings, event);
    if (!state.problem.empty())
      out.fail(state.problem, "see \"When the disk is full, and when it fails\" in archive.md");
  }
  look_at_file_system(volume, out);
  return out;
}

Outcome check_disk_space(Context& context) {
  const std::string volume = context.volume();
  struct statvfs info {};
  if (::statvfs(volume.c_str(), &info) != 0)
    return Outcome().fail(volume + ": " + reason(errno), "name a folder that is there");
  const store::VolumeSettings settings;
  const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  // What no run may take.
  const double kept = static_cast<double>(settings.reserve_bytes + settings.min_free_bytes);
  Outcome out;
  out.measured = bytes_text(free) + " free on " + volume;
  const double rate = context.plan.bytes_per_second() * kWrittenPerReceived;
  if (context.plan.any()) {
    const double hours = std::max(0.0, free - kept) / rate / 3600;
    out.measured += "; " + hours_text(hours) + " of " + std::to_string(context.plan.streams) + " streams";
  }
  const double needed = kept + rate * static_cast<double>(context.plan.hours) * 3600;
  if (free < kept)
    out.fail("the disk is full: under " + bytes_text(kept) + " no run is opened", "make room on " + volume);
  else if (free < needed)
    out.fail(context.plan.text() + " need " + bytes_text(needed) + ", there are " + bytes_text(free),
             "make room, take a larger disk, or spread the stations over more nodes");
  else if (free < kept + (needed - kept) * kSpare)
    out.warn("there is less than a tenth to spare: " + bytes_text(needed) + " of " + bytes_text(free) +
                 " will be taken",
             "make room: a day that lasts longer fills the disk");
  return out;
}

Outcome check_inodes(Context& context) {
  const std::string volume = context.volume();
  struct statvfs info {};
  if (::statvfs(volume.c_str(), &info) != 0)
    return Outcome().fail(volume + ": " + reason(errno), "name a folder that is there");
  Outcome out;
  if (info.f_files == 0) {
    out.measured = "no limit";
    return out;
  }
  out.measured = std::to_string(info.f_favail) + " free";
  const double needed =
      kLeastFree + static_cast<double>(context.plan.streams * context.plan.hours) * kInodesPerHour;
  if (static_cast<double>(info.f_favail) < needed)
    out.fail("about " + std::to_string(static_cast<int64_t>(needed)) + " are needed" +
                 (context.plan.any() ? " for " + context.plan.text() : ""),
             "remove files, or make the file system with more inodes (mkfs.ext4 -i 65536)");
  return out;
}

}  // namespace headgate::preflight
