// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_scan.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "chain.h"
#include "layout.h"
#include "part_box.h"

namespace headgate::store {
namespace {

constexpr size_t kTailBytes = 256 * 1024;

int64_t end_utc_us(const PartInfo& part) {
  return part.utc_us + part.duration * 1'000'000 / static_cast<int64_t>(playlist::kTimescale);
}

}  // namespace

Result<UniqueFd> open_media(const std::string& directory, uint32_t file) {
  std::string path = directory + "/" + file_stem(file) + ".mp4";
  auto open = open_file(path, O_RDONLY);
  if (open || open.error().code != ENOENT) return open;
  open = open_file(path + ".part", O_RDONLY);
  // It may have been given its final name between the two.
  if (!open && open.error().code == ENOENT) open = open_file(path, O_RDONLY);
  return open;
}

RunScan::RunScan(std::string directory, std::string prefix, OnRecord on_record)
    : directory_(std::move(directory)), on_record_(std::move(on_record)), maker_(std::move(prefix)) {}

void RunScan::line(std::string_view text) {
  auto head = parse_line_head(text);
  if (head && head->type == "recover") recovered_ = true;
  auto line = parse_line(text);
  if (!line || (!opened_ && !std::holds_alternative<OpenLine>(*line))) return;
  std::visit([this](const auto& known) { take(known); }, *line);
}

void RunScan::resume(OpenLine open, const FragLine& first) {
  open.msn = first.msn;
  open.dseq = first.dseq;
  take(open);
  enter_file(first.file);
  expected_ = first.offset;
}

void RunScan::take(const OpenLine& line) {
  if (opened_) return;
  opened_ = true;
  state_.run = line.run;
  state_.base = line.base;
  state_.utc_us = line.utc_us;
  state_.next_msn = line.msn;
  state_.next_dseq = line.dseq;
  state_.any_media = line.any_media;
  state_.end_pts = line.end_pts;
  state_.end_utc_us = line.end_utc_us;
  state_.crashed = true;  // until `end` says otherwise
  tell(maker_.run(line));
}

void RunScan::take(const FileLine& line) {
  if (file_) walk(UINT64_MAX, false);
  file_ = line.file;
  next_file_ = line.file + 1;
  expected_ = line.length;
  tell(maker_.init(line));
}

// A file without a (sound) `file` line: its own init segment tells the same.
void RunScan::enter_file(uint32_t file) {
  file_ = file;
  next_file_ = file + 1;
  expected_ = UINT64_MAX;
  auto media = open_media(directory_, file);
  if (!media) return;
  auto source = fmp4::source_of_file(media->get());
  if (!source) return;
  auto info = fmp4::read_init(*source);
  if (!info) return;
  auto init = pread_exact(media->get(), 0, info->length);
  if (!init) return;
  expected_ = info->length;
  tell(maker_.init(describe_file(file, info->presentation, *init)));
}

void RunScan::take(const FragLine& line) {
  if (file_ != line.file) enter_file(line.file);
  walk(line.offset, false);
  expected_ = line.offset + line.length;
  for (size_t i = 0; i < line.parts.size(); ++i)
    tell(maker_.part(line.file, line.msn, line.dseq, static_cast<uint32_t>(i), line.parts[i]));
  media(line);
}

// A segment is whole.
void RunScan::media(const FragLine& line) {
  state_.any_media = true;
  state_.end_pts = line.pts + line.duration;
  state_.end_utc_us = end_utc_us(line.parts.back());
  state_.next_msn = line.msn + 1;
  state_.next_dseq = line.dseq + 1;
  tell(maker_.segment(line));
}

void RunScan::take(const GapLine& line) {
  tell(RecordMaker::gap(line));
}

void RunScan::take(const CloseLine& line) {
  if (file_ != line.file) return;
  // What a recovery found behind the recorded bytes may have been told to viewers; what a writer left there
  // (a part that the full disk cut off) never was.
  walk(recovered_ ? UINT64_MAX : line.size, false);
  file_.reset();
}

// Nothing is recorded of media behind this line: the files tell of it.
void RunScan::take(const IoLine& line) {
  if (line.broken) tail(false);
}

void RunScan::take(const EndLine& line) {
  if (recovered_) tail(false);
  state_.next_msn = std::max(state_.next_msn, line.next.next_msn);
  state_.next_dseq = std::max(state_.next_dseq, line.next.next_dseq);
  if (line.next.any_media) {
    state_.any_media = true;
    state_.end_pts = line.next.end_pts;
    state_.end_utc_us = line.next.end_utc_us;
  }
  state_.crashed = line.next.crashed;
  ended_ = true;
  tell(playlist::EndRecord{line.reason});
}

void RunScan::walk(uint64_t until, bool live) {
  if (!file_ || expected_ >= until) return;
  auto media_file = open_media(directory_, *file_);
  if (!media_file) return;
  auto source = fmp4::source_of_file(media_file->get());
  if (!source) return;
  source->size = std::min(source->size, until);
  PartWalker walker(*source, expected_);
  while (auto box = walker.next()) {
    if (walked_ && (walked_->msn != box->msn || walked_->file != *file_)) finish_walked();
    if (!walked_) {
      walked_.emplace();
      walked_->file = *file_;
      walked_->msn = box->msn;
      walked_->dseq = box->dseq;
    }
    tail_bytes_ += box->part.length;
    tell(maker_.part(*file_, box->msn, walked_->dseq, static_cast<uint32_t>(walked_->parts.size()),
                     box->part));
    walked_->parts.push_back(std::move(box->part));
    if (box->ends_segment) finish_walked();
  }
  expected_ = walker.position();
  if (!live) finish_walked();
}

void RunScan::finish_walked() {
  if (!walked_) return;
  FragLine line = std::move(*walked_);
  walked_.reset();
  sum_parts(line);
  media(line);
}

void RunScan::tail(bool live) {
  if (!opened_) return;
  std::vector<uint32_t> files;
  for (const std::string& name : list_directory(directory_))
    if (auto index = media_index(name)) files.push_back(*index);
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  uint32_t first = file_.value_or(next_file_);
  for (uint32_t file : files) {
    if (file < first) continue;
    if (file_ != file) enter_file(file);
    walk(UINT64_MAX, live && file == files.back());
  }
}

std::optional<std::string> read_end_line(int chain) {
  constexpr uint64_t kEndBytes = 4096;  // an `end` line is shorter
  struct stat info {};
  if (::fstat(chain, &info) != 0) return std::nullopt;
  auto size = static_cast<uint64_t>(info.st_size);
  uint64_t length = std::min(size, kEndBytes);
  auto tail = pread_exact(chain, size - length, length);
  if (!tail) return std::nullopt;
  std::string_view text = as_text(*tail);
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  text.remove_prefix(text.rfind('\n') + 1);  // npos + 1: it begins the file
  auto head = parse_line_head(text);
  return head && head->type == "end" ? std::optional<std::string>(text) : std::nullopt;
}

Result<Continuation> scan_continuation(const std::string& directory, bool& ended) {
  std::string path = directory + "/" + std::string(kChainName);
  auto file = open_file(path, O_RDONLY);
  if (!file) return Unexpected(file.error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return errno_error("stat " + path);
  auto size = static_cast<uint64_t>(info.st_size);
  auto read = [&](uint64_t offset, uint64_t length) { return pread_exact(file->get(), offset, length); };
  // A run that has ended says in its last line where it stood.
  if (auto end = read_end_line(file->get())) {
    auto first = read(0, std::min<uint64_t>(size, kMaxLineBytes));
    if (!first) return Unexpected(first.error());
    RunScan scan(directory, "", nullptr);
    scan.line(as_text(*first).substr(0, as_text(*first).find('\n')));
    scan.line(*end);
    ended = scan.ended();
    if (scan.opened() && ended) return scan.state();
  }
  // The first line, then the last ones; all of them when no segment is among those.
  for (uint64_t start = size > 2 * kTailBytes ? size - kTailBytes : 0;; start = 0) {
    RunScan scan(directory, "", nullptr);
    bool segment = false;
    auto lines = [&](std::string_view text, bool from_line_start) {
      if (!from_line_start) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
      for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
        auto head = parse_line_head(text.substr(0, end));
        segment = segment || (head && (head->type == "frag" || head->type == "end"));
        scan.line(text.substr(0, end));
        text.remove_prefix(end + 1);
        if (start > 0 && from_line_start) return;
      }
    };
    if (start > 0) {
      auto first = read(0, std::min<uint64_t>(size, kMaxLineBytes));
      if (!first) return Unexpected(first.error());
      lines(as_text(*first), true);
    }
    auto rest = read(start, size - start);
    if (!rest) return Unexpected(rest.error());
    if (!rest->empty()) lines(as_text(*rest), start == 0);
    if (!segment && start > 0) continue;
    if (!scan.opened()) return Unexpected(ENODATA, path + ": no whole first line");
    ended = scan.ended();
    if (!ended) scan.tail(false);
    return scan.state();
  }
}

}  // namespace headgate::store
