// SPDX-License-Identifier: LGPL-2.1-or-later
#include <store/run_tail.h>

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <variant>

#include "chain.h"
#include "chain_lock.h"
#include "layout.h"
#include "line_sum.h"
#include "run_scan.h"

namespace headgate::store {
namespace {

struct ChainFile {
  UniqueFd fd;
  uint64_t size = 0;
  Result<ByteVector> read(uint64_t offset, uint64_t length) const {
    return pread_exact(fd.get(), offset, length);
  }
};

Result<ChainFile> open_chain(const std::string& directory) {
  std::string path = directory + "/" + std::string(kChainName);
  auto fd = open_file(path, O_RDONLY);
  if (!fd) {
    // Made in this moment, or its writer died in that moment: nothing is in it.
    if (fd.error().code == ENOENT && ::access(directory.c_str(), F_OK) == 0) return ChainFile{};
    return Unexpected(fd.error());
  }
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return errno_error("stat " + path);
  return ChainFile{*std::move(fd), static_cast<uint64_t>(info.st_size)};
}

// The file's first lines, as far as they are whole.
Result<std::string> read_head(const ChainFile& chain) {
  auto bytes = chain.read(0, std::min<uint64_t>(chain.size, kMaxLineBytes));
  if (!bytes) return Unexpected(bytes.error());
  std::string text(as_text(*bytes));
  text.resize(text.rfind('\n') + 1);
  return text;
}

template <typename T>
std::optional<T> first_of(std::string_view text, std::string_view type) {
  std::optional<T> found;
  for_each_line(text, [&](std::string_view text_of_line) {
    auto head = parse_line_head(text_of_line);
    if (!head || head->type != type) return true;
    auto line = parse_line(text_of_line);
    if (line && std::holds_alternative<T>(*line)) found = std::get<T>(std::move(*line));
    return !found;
  });
  return found;
}

struct Tail {
  std::string text;
  uint64_t from = 0;
};

Result<Tail> read_back(const ChainFile& chain, int64_t at_least) {
  std::vector<ByteVector> blocks;
  LineSum sum;
  uint64_t from = chain.size;
  while (from > 0 && sum.duration < at_least && chain.size - from < kMaxTailBytes) {
    uint64_t length = std::min(from, kTailBlockBytes);
    auto block = chain.read(from - length, length);
    if (!block) return Unexpected(block.error());
    from -= length;
    // The lines that lie across two blocks are not counted: at worst a block more is read.
    for_each_line(as_text(*block), [&](std::string_view line) {
      sum.add(line);
      return true;
    });
    blocks.push_back(*std::move(block));
  }
  Tail tail{{}, from};
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) tail.text += as_text(*block);
  return tail;
}

// Cuts the text so that it begins with the line of a segment. That segment; nothing: there is none.
std::optional<FragLine> begin_with_segment(Tail& tail) {
  size_t begin = std::min(tail.text.find('\n'), tail.text.size() - 1) + 1;
  while (begin < tail.text.size()) {
    size_t end = std::min(tail.text.find('\n', begin), tail.text.size());
    std::string_view text = std::string_view(tail.text).substr(begin, end - begin);
    auto head = parse_line_head(text);
    auto line = head && head->type == "frag" ? parse_line(text) : std::nullopt;
    if (line) {
      tail.text.erase(0, begin);
      tail.from += begin;
      return std::get<FragLine>(std::move(*line));
    }
    begin = end + 1;
  }
  return std::nullopt;
}

void scan_lines(RunScan& scan, std::string_view text, const std::string& run, bool whole) {
  ChainText chain = whole ? read_chain(text, run) : read_chain_from(text);
  for (const ChainLine& line : chain.lines)
    if (line.state == LineState::sound) scan.line(line.text);
}

// Dates go by media time since the run's first segment where nothing interrupts it.
void date_first_segment(RunTail& out, const OpenLine& open, const FragLine& tail,
                        const std::optional<FragLine>& head) {
  if (!head || head->dseq != tail.dseq || tail.pts < head->pts) return;
  for (playlist::Record& record : out.records) {
    auto* segment = std::get_if<playlist::SegmentRecord>(&record);
    if (!segment) continue;
    const int64_t begin_us = std::max(head->utc_us, open.filled_utc_us);
    if (segment->msn == tail.msn) segment->utc_us = begin_us + (tail.pts - head->pts) * 100 / 9;
    return;
  }
}

}  // namespace

Result<RunTail> read_run_tail(const std::string& root, uint32_t event, uint32_t station,
                              const std::string& run, int64_t at_least) {
  std::string prefix = station_directory(event, station) + "/" + run;
  std::string directory = root + "/" + prefix;
  RunTail out;
  // Asked first: a run that ends while it is read is then at worst called living, and read to its end.
  out.writing = chain_has_writer(directory);
  auto chain = open_chain(directory);
  if (!chain) return Unexpected(chain.error());
  auto head = chain->size > 0 ? read_head(*chain) : Result<std::string>("");
  if (!head) return Unexpected(head.error());
  auto open = first_of<OpenLine>(*head, "open");
  auto tail = read_back(*chain, at_least);
  if (!tail) return Unexpected(tail.error());
  RunScan scan(directory, prefix, [&](playlist::Record record) { out.records.push_back(std::move(record)); });
  std::optional<FragLine> first = tail->from > 0 ? begin_with_segment(*tail) : std::nullopt;
  bool whole = tail->from == 0;
  if (!whole && (!open || !first))
    return Unexpected(ENODATA, directory + ": no segment among the last lines of " + std::string(kChainName));
  if (!whole) scan.resume(*open, *first);
  scan_lines(scan, tail->text, run, whole);
  if (!scan.ended()) scan.tail(out.writing);
  if (!whole) date_first_segment(out, *open, *first, first_of<FragLine>(*head, "frag"));
  out.opened = scan.opened();
  out.ended = scan.ended();
  out.from = tail->from;
  return out;
}

namespace {

// The lines do not tell of what was written last: the media itself does.
Result<RunSum> sum_crashed(const std::string& root, uint32_t event, uint32_t station, const std::string& run,
                           const ChainFile& chain, RunSum out) {
  auto tail = read_run_tail(root, event, station, run, 1);
  if (!tail) return Unexpected(tail.error());
  auto before = sum_lines(chain.fd.get(), 0, tail->from);
  if (!before) return Unexpected(before.error());
  out.segments = before->segments;
  out.gaps = before->gaps;
  out.duration = before->duration;
  for (const playlist::Record& record : tail->records) {
    if (std::holds_alternative<playlist::GapRecord>(record)) ++out.gaps;
    if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
      ++out.segments;
      out.duration += segment->duration;
    }
  }
  return out;
}

}  // namespace

Result<RunSum> sum_run(const std::string& root, uint32_t event, uint32_t station, const std::string& run,
                       uint64_t until) {
  auto chain = open_chain(root + "/" + station_directory(event, station) + "/" + run);
  if (!chain) return Unexpected(chain.error());
  RunSum out;
  if (chain->size == 0) return out;
  until = std::min(until, chain->size);
  auto head = read_head(*chain);
  if (!head) return Unexpected(head.error());
  out.opened = first_of<OpenLine>(*head, "open").has_value();
  if (auto first = first_of<FragLine>(*head, "frag")) out.first_utc_us = first->utc_us;
  auto count = [&](uint64_t from, uint64_t to) { return sum_lines(chain->fd.get(), from, to); };

  uint64_t last = std::min<uint64_t>(chain->size, kMaxLineBytes);
  auto foot = chain->read(chain->size - last, last);
  if (!foot) return Unexpected(foot.error());
  auto end = first_of<EndLine>(as_text(*foot), "end");
  if (until == chain->size && (!end || end->reason == "crash"))
    if (auto crashed = sum_crashed(root, event, station, run, *chain, out)) return crashed;
  auto counted = end ? count(until, chain->size) : count(0, until);
  if (!counted) return Unexpected(counted.error());
  if (!end) {
    out.segments = counted->segments;
    out.gaps = counted->gaps;
    out.duration = counted->duration;
    return out;
  }
  constexpr int64_t kTicksPerMs = playlist::kTimescale / 1000;
  out.segments = end->totals.segments - std::min(end->totals.segments, counted->segments);
  out.gaps = end->totals.gaps - std::min(end->totals.gaps, counted->gaps);
  out.duration = std::max<int64_t>(end->totals.ms * kTicksPerMs - counted->duration, 0);
  return out;
}

}  // namespace headgate::store
