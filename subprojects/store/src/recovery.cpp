// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recovery.h"

#include <base/clock.h>
#include <base/encoding.h>
#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "chain.h"
#include "chain_lock.h"
#include "layout.h"
#include "media_check.h"
#include "run_log.h"
#include "run_scan.h"

namespace headgate::store {
namespace {

constexpr int kMaxTornFiles = 1000;

struct RunText {
  ByteVector bytes;
  ChainText chain;
};

std::vector<uint32_t> media_files(const std::string& directory, std::string_view ending) {
  std::vector<uint32_t> files;
  for (const std::string& name : list_directory(directory))
    if (auto index = media_index(name); index && name.ends_with(ending)) files.push_back(*index);
  return files;
}

std::vector<uint32_t> part_files(const std::string& directory) {
  return media_files(directory, ".part");
}

// The torn bytes go beside the chain before they leave it.
Result<void> save_torn_tail(const std::string& directory, int chain, const ChainText& text, bool durable) {
  UniqueFd copy;
  for (int k = 0; !copy; ++k) {
    std::string path = directory + "/" + std::string(kChainName) + ".torn-" + std::to_string(k);
    auto made = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0440);
    if (!made && (made.error().code != EEXIST || k == kMaxTornFiles)) return Unexpected(made.error());
    if (made) copy = std::move(*made);
  }
  if (auto written = write_all(copy.get(), as_bytes(text.torn)); !written) return written;
  if (durable && ::fsync(copy.get()) != 0) return errno_error("fsync " + directory + "/run.jl.torn");
  if (durable)
    if (auto synced = fsync_directory(directory); !synced) return synced;
  struct stat info {};
  if (::fstat(chain, &info) != 0) return errno_error("stat " + directory + "/run.jl");
  if (::ftruncate(chain, info.st_size - static_cast<off_t>(text.torn.size())) != 0)
    return errno_error("truncate " + directory + "/run.jl");
  return {};
}

// What the chain says of each of its files.
struct Recorded {
  std::map<uint32_t, RecordedFile> files;
  RunTotals totals;
};

Recorded read_recorded(const ChainText& chain) {
  Recorded out;
  for (const ChainLine& text : chain.lines) {
    auto line = text.state == LineState::sound ? parse_line(text.text) : std::nullopt;
    if (!line) continue;
    uint64_t n = static_cast<uint64_t>(&text - chain.lines.data());
    if (const auto* file = std::get_if<FileLine>(&*line)) {
      out.files[file->file].init = *file;
      out.files[file->file].end = std::max(out.files[file->file].end, file->length);
    } else if (auto* frag = std::get_if<FragLine>(&*line)) {
      RecordedFile& file = out.files[frag->file];
      file.end = std::max(file.end, frag->offset + frag->length);
      out.totals.segments += 1;
      out.totals.frames += frag->frames;
      out.totals.bytes += frag->length;
      out.totals.ms += frag->duration / 90;
      file.frags.push_back({n, std::move(*frag)});
    } else if (const auto* close = std::get_if<CloseLine>(&*line)) {
      out.files[close->file].closed = true;
    } else if (std::holds_alternative<GapLine>(*line)) {
      out.totals.gaps += 1;
    }
  }
  return out;
}

std::string list_json(const std::vector<uint64_t>& numbers) {
  std::string out = "[";
  for (uint64_t number : numbers) out += (out.size() > 1 ? "," : "") + std::to_string(number);
  return out + "]";
}

class Recovery {
 public:
  Recovery(const std::string& directory, int chain, const std::string& node, RecoverySummary& summary)
      : directory_(directory),
        run_(std::filesystem::path(directory).filename().string()),
        chain_(chain),
        node_(node),
        summary_(summary) {}

  Result<void> run() {
    auto bytes = read_file(directory_ + "/" + std::string(kChainName), kMaxChainBytes);
    if (!bytes) return Unexpected(bytes.error());
    ChainText chain = read_chain(as_text(*bytes), run_);
    const bool chained = chain.chained;
    durable_ = chained;
    if (!chain.torn.empty()) {
      if (auto saved = save_torn_tail(directory_, chain_, chain, durable_); !saved) return saved;
      summary_.torn_bytes += chain.torn.size();
    }
    RunScan scan(directory_, "", nullptr);
    for (const ChainLine& line : chain.lines)
      if (line.state == LineState::sound) scan.line(line.text);
    scan.tail(false);
    Recorded recorded = read_recorded(chain);
    ChainWriter writer(run_, chained, chain.lines.size(), chain.lines.empty() ? "" : chain.lines.back().text);
    std::string lines = describe(writer, chain, recorded, chained);
    EndLine end;
    end.reason = "crash";
    end.utc_us = system_clock().utc_us();
    end.totals = recorded.totals;
    end.next = scan.state();
    lines += writer.line("end", members_of([&](JsonLine& json) { put(json, end); }));
    if (auto written = write_all(chain_, as_bytes(lines)); !written) return written;
    if (durable_ && ::fsync(chain_) != 0) return errno_error("fsync " + directory_ + "/run.jl");
    ++summary_.recovered;
    return {};
  }

 private:
  // The `recover` and `close` lines of everything that has no `close`.
  std::string describe(ChainWriter& writer, const ChainText& chain, const Recorded& recorded, bool chained) {
    std::vector<uint64_t> damaged;
    for (size_t i = 0; i < chain.lines.size(); ++i)
      if (chain.lines[i].state == LineState::damaged) damaged.push_back(i);
    if (!damaged.empty())
      summary_.problems.push_back(directory_ + ": " + std::to_string(damaged.size()) +
                                  " damaged line(s) in run.jl, the first is line " +
                                  std::to_string(damaged.front()));
    std::string lines;
    std::map<uint32_t, RecordedFile> open;
    for (const auto& [index, file] : recorded.files)
      if (!file.closed) open[index] = file;
    for (uint32_t index : media_files(directory_, ""))
      if (!recorded.files.contains(index)) open[index] = {};
    if (open.empty() || !damaged.empty() || !chain.torn.empty())
      lines += writer.line(
          "recover", members_of([&](JsonLine& json) {
            json.field("node", node_).field("torn", chain.torn.size()).raw("damaged", list_json(damaged));
          }));
    for (const auto& entry : open) {
      // Named: clang 14 cannot capture structured bindings.
      uint32_t index = entry.first;
      const RecordedFile& file = entry.second;
      MediaCheck check = check_media(directory_, index, file, chained);
      report(index, file, check);
      lines +=
          writer.line("recover", members_of([&](JsonLine& json) { put_check(json, index, file, check); }));
      if (file.init) {
        CloseLine close{index, check.attested, check.sha, check.index_sha};
        lines += writer.line("close", members_of([&](JsonLine& json) { put(json, close); }));
      }
    }
    return lines;
  }

  void put_check(JsonLine& json, uint32_t index, const RecordedFile& file, const MediaCheck& check) {
    json.field("node", node_).field("f", index).field("attested_len", file.end).field("size", check.size);
    if (check.size > file.end) json.field("tail_sha", check.tail_sha);
    if (check.size < file.end) json.field("missing", file.end - check.size);
    if (!check.bad.empty()) json.raw("bad", list_json(check.bad));
  }

  void report(uint32_t index, const RecordedFile& file, const MediaCheck& check) {
    std::string name = directory_ + "/" + file_stem(index) + ".mp4";
    if (!check.problem.empty()) summary_.problems.push_back(name + ": " + check.problem);
    if (check.size > file.end) summary_.unattested_bytes += check.size - file.end;
    if (check.size < file.end) {
      summary_.missing_bytes += file.end - check.size;
      summary_.problems.push_back(name + ": " + std::to_string(file.end - check.size) +
                                  " recorded bytes are missing: the disk lost what it had confirmed");
    }
    if (!check.bad.empty())
      summary_.problems.push_back(name + ": " + std::to_string(check.bad.size()) +
                                  " recorded segment(s) are not as recorded, the first is line " +
                                  std::to_string(check.bad.front()));
  }

  const std::string& directory_;
  std::string run_;
  int chain_;
  const std::string& node_;
  RecoverySummary& summary_;
  bool durable_ = true;
};

}  // namespace

Result<void> recover_locked(const std::string& directory, UniqueFd chain, const std::string& node,
                            RecoverySummary& summary) {
  if (!read_end_line(chain.get())) {
    auto recovered = Recovery(directory, chain.get(), node, summary).run();
    if (!recovered) return recovered;
  }
  std::vector<uint32_t> files = part_files(directory);
  for (uint32_t index : files) {
    std::string path = directory + "/" + file_stem(index) + ".mp4.part";
    auto media = open_file(path, O_RDONLY);
    if (!media) return Unexpected(media.error());
    if (auto named = give_final_name({directory, index, std::move(*media)}, true); !named) return named;
  }
  return files.empty() ? Result<void>() : fsync_directory(directory);
}

Result<void> recover_run(const std::string& run_directory, const std::string& node,
                         RecoverySummary& summary) {
  ++summary.runs;
  // Whoever is opening a run of the station has not locked its chain yet. Not for longer: it is waited for.
  auto opening = lock_station(std::filesystem::path(run_directory).parent_path().string(), true);
  if (!opening) return Unexpected(opening.error());
  auto chain = lock_chain(run_directory, false);
  opening->reset();
  if (!chain && chain.error().code == EBUSY) {
    ++summary.live;
    return {};
  }
  if (!chain) return Unexpected(chain.error());
  return recover_locked(run_directory, std::move(*chain), node, summary);
}

namespace {

void recover_station(const std::string& root, uint32_t event, uint32_t station, const std::string& node,
                     RecoverySummary& summary) {
  std::string directory = root + "/" + station_directory(event, station);
  for (const std::string& run : list_runs(root, event, station)) {
    std::string path = directory + "/" + run;
    auto chain = open_file(path + "/" + std::string(kChainName), O_RDONLY);
    if (chain && read_end_line(chain->get()) && part_files(path).empty()) continue;
    // The power went between the directory's making and its first line.
    if (!chain && chain.error().code == ENOENT && list_directory(path).empty()) continue;
    if (auto recovered = recover_run(path, node, summary); !recovered)
      summary.problems.push_back(path + ": " + recovered.error().message);
  }
}

}  // namespace

RecoverySummary recover(const std::string& root, const std::string& node, const RecoveryProgress& progress) {
  std::vector<std::pair<uint32_t, uint32_t>> stations;
  for (uint32_t event : list_events(root))
    for (uint32_t station : list_stations(root, event)) stations.emplace_back(event, station);
  RecoverySummary summary;
  for (size_t done = 0; done < stations.size(); ++done) {
    recover_station(root, stations[done].first, stations[done].second, node, summary);
    if (progress) progress(summary, done + 1, stations.size());
  }
  return summary;
}

}  // namespace headgate::store
