// SPDX-License-Identifier: LGPL-2.1-or-later
// Processors and memory, held against the plan by what docs/performance.md and docs/scale.md have measured.
#include <base/sha256.h>
#include <pipeline/folder.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "checks.h"
#include "ladder_cost.h"

namespace headgate::preflight {
namespace {

// A stream of 1.5 Mbit/s: planned with 1.4 ms of a processor a second, of which 0.3 are three digests over
// every byte where hashing goes at 1.4 GB/s a message.
constexpr double kPlannedKbps = 1500, kPlannedMs = 1.4, kHashedMs = 0.3, kDigests = 3;
// Busy to 70 %, of which 15 % are a storm's.
constexpr double kBusyShare = 0.7 / 1.15;
// A ladder of 1080p25 to 720p, 480p and 360p (x264's veryfast) is 53 million pixels a second, and took 0.9 to
// 1.2 of a processor.
constexpr double kEncodedPixels = 50e6;
constexpr double kSlowHash = 700e6;  // bytes a second; what SHA instructions do is twice that
// A stream's memory in the node's processes, and what players read again in the last 10 s.
constexpr double kProcessBytes = 0.5e6, kIdleBytes = 19e6, kCachedSeconds = 10, kWorkerBytes = 4.5e6;

bool has_sha(const Machine& machine) {
  std::istringstream lines(machine.proc_text("cpuinfo"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;)
      if (word == "sha_ni" || word == "sha2") return true;
    return false;
  }
  return false;
}

int64_t used_us() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * 1'000'000 + used.tv_nsec / 1000;
}

// Bytes a second of a processor's time, of one message. What else the machine does is not in it.
double hash_speed() {
  constexpr int64_t kForUs = 50'000;
  const ByteVector block(1 << 20);
  Sha256 hash;
  uint64_t bytes = 0;
  const int64_t began_us = used_us();
  int64_t now_us = began_us;
  for (; now_us - began_us < kForUs; now_us = used_us()) {
    hash.update(block);
    bytes += block.size();
  }
  hash.finish();
  return static_cast<double>(bytes) * 1e6 / static_cast<double>(now_us - began_us);
}

// Milliseconds of a processor that a stream takes in a second.
double stream_ms(const Plan& plan, double bytes_per_second) {
  const double received = static_cast<double>(plan.kbps) * 125;
  const double hashing = kDigests * received / bytes_per_second * 1000;
  const double rest = (kPlannedMs - kHashedMs) * std::max(1.0, static_cast<double>(plan.kbps) / kPlannedKbps);
  return rest + hashing;
}

long processors() {
  return std::max<long>(1, ::sysconf(_SC_NPROCESSORS_ONLN));
}

// What is wrong with the description is `pipelines`' to tell.
void look_at_encoding(const Context& context, Outcome& out) {
  const serve::Config& config = context.config;
  const auto file = pipeline::find_file(config.pipelines, config.pipeline);
  const auto description =
      file ? pipeline::Description::load(*file) : Result<pipeline::Description>(Unexpected(file.error()));
  const auto pixels = description ? static_cast<double>(ladder_pixels(*description, config.parameters)) : 0.0;
  if (pixels <= 0) {
    out.measured += ", encoding not counted";
    return;
  }
  const auto encoded =
      static_cast<int64_t>(static_cast<double>(processors()) * kEncodedPixels * kBusyShare / pixels);
  char each[80];
  std::snprintf(each, sizeof each, " (%.0f million pixels a second each)", pixels / 1e6);
  out.measured += "; and encode all rungs of about " + std::to_string(encoded) + each;
  if (context.plan.streams > encoded)
    out.warn(
        "the plan has " + std::to_string(context.plan.streams) +
            " streams, the processors encode all rungs of about " + std::to_string(encoded) +
            ": of the others rungs will be paused, the largest first, and where these are more than "
            "--full-encoding new stations are refused",
        "fewer or smaller ones (--set rungs=), only those that somebody watches (--set "
        "rungs-on-demand=true), or more processors or nodes; --max-workers says how many streams are taken");
}

}  // namespace

Outcome check_cpu(Context& context) {
  const double speed = hash_speed();
  char text[120];
  std::snprintf(text, sizeof text, "%ld processors, %s SHA instructions, SHA-256 at %.1f GB/s", processors(),
                has_sha(context.machine) ? "with" : "without", speed / 1e9);
  Outcome out;
  out.measured = text;
  if (speed < kSlowHash)
    out.warn(
        "hashing is slow, and every byte is hashed three times",
        "a processor with SHA instructions carries several times as many streams; plan with the number that "
        "`capacity` tells");
  return out;
}

Outcome check_capacity(Context& context) {
  const Plan& plan = context.plan;
  const int64_t places = context.config.max_workers * context.config.capacity;
  const double each_ms = stream_ms(plan, hash_speed());
  const auto carried = static_cast<int64_t>(static_cast<double>(processors()) * 1000 * kBusyShare / each_ms);
  Outcome out;
  out.measured = std::to_string(places) + " places; the processors carry about " + std::to_string(carried) +
                 " streams of " + std::to_string(plan.kbps) + " kbit/s";
  look_at_encoding(context, out);
  if (plan.streams > places)
    out.fail(
        "the plan has " + std::to_string(plan.streams) + " streams, the node takes " + std::to_string(places),
        "raise --max-workers or --capacity");
  if (plan.streams > carried)
    out.fail("the plan has " + std::to_string(plan.streams) + " streams, the processors carry about " +
                 std::to_string(carried),
             "take more processors, or spread the stations over more nodes");
  return out;
}

Outcome check_memory(Context& context) {
  const auto available = context.machine.memory_bytes("MemAvailable");
  if (!available) return Outcome::skip("the kernel does not tell");
  double have = static_cast<double>(*available);
  const auto limit = context.machine.cgroup_limit("memory.max");
  if (limit) have = std::min(have, static_cast<double>(*limit));
  const Plan& plan = context.plan;
  const double streams = static_cast<double>(plan.streams);
  const double workers = std::max(static_cast<double>(context.config.workers),
                                  std::ceil(streams / static_cast<double>(context.config.capacity)));
  const double processes = kIdleBytes + kWorkerBytes * workers + kProcessBytes * streams;
  const double cached = plan.bytes_per_second() * kCachedSeconds;
  Outcome out;
  out.measured = bytes_text(have) + " available" + (limit ? " to this control group" : "") + ", about " +
                 bytes_text(processes) + " needed";
  if (plan.any()) out.measured += " and " + bytes_text(cached) + " for what players read";
  if (have < processes)
    out.fail("there is less memory than the node's processes will take", "add memory, or plan fewer streams");
  else if (have < processes + cached)
    out.warn("players will have to be answered from the disk", "add memory, or plan fewer streams");
  return out;
}

}  // namespace headgate::preflight
