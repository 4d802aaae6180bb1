// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive_fixture.h"

#include <base/io.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

namespace headgate::store {

namespace fs = std::filesystem;

ArchiveDirectory::ArchiveDirectory() {
  std::string base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : fs::temp_directory_path().string();
  path_ = base + "/headgate-archive-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) path_.clear();
}

ArchiveDirectory::~ArchiveDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Checked check_archive(const std::string& root) {
  std::string command = std::string("python3 " CHECK_ARCHIVE " ") + root;
  Checked out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.text.append(buffer, n);
  out.ok = ::pclose(pipe) == 0;
  return out;
}

std::string describe(const Record& record) {
  std::ostringstream out;
  if (auto* run = std::get_if<playlist::RunRecord>(&record))
    out << "run " << run->run << " msn " << run->first_msn << " dseq " << run->discontinuity_sequence;
  if (auto* init = std::get_if<playlist::InitRecord>(&record))
    out << "init " << init->id << " in " << init->file << " " << init->codecs << " " << init->width;
  if (auto* part = std::get_if<playlist::PartRecord>(&record))
    out << "part " << part->msn << "." << part->index << " at " << part->offset << "+" << part->length
        << " pts " << part->pts << "+" << part->duration << " utc " << part->utc_us << " in " << part->file;
  if (auto* segment = std::get_if<playlist::SegmentRecord>(&record))
    out << "segment " << segment->msn << " at " << segment->offset << "+" << segment->length << " pts "
        << segment->pts << "+" << segment->duration << " utc " << segment->utc_us << " in " << segment->file
        << " init " << segment->init_id << (segment->discontinuity ? " DISC" : "");
  if (auto* gap = std::get_if<playlist::GapRecord>(&record))
    out << "gap " << gap->reason << " " << gap->from_pts << "-" << gap->to_pts;
  if (auto* end = std::get_if<playlist::EndRecord>(&record)) out << "end " << end->reason;
  return out.str();
}

std::string describe(const Records& records) {
  std::string out;
  for (const Record& record : records) out += describe(record) + "\n";
  return out;
}

std::string read_text(const std::string& path) {
  auto bytes = read_file(path, 1u << 30);
  EXPECT_TRUE(bytes) << path;
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

void write_text(const std::string& path, std::string_view text) {
  std::error_code ignored;
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add, ignored);
  FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path;
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> lines_of(const std::string& run_directory, const std::string& type) {
  std::istringstream text(read_text(run_directory + "/run.jl"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    if (line.find(",\"t\":\"" + type + "\",") != line.npos) lines.push_back(line);
  return lines;
}

int64_t number_in(const std::string& line, const std::string& key) {
  size_t at = line.find("\"" + key + "\":");
  EXPECT_NE(at, line.npos) << key << " in " << line;
  return at == line.npos ? 0 : std::stoll(line.substr(at + key.size() + 3));
}

std::shared_ptr<Volume> ArchiveTest::volume() {
  auto volume = Volume::open(settings_, clock_);
  EXPECT_TRUE(volume) << volume.error().message;
  return volume ? *volume : nullptr;
}

RunInfo ArchiveTest::info(uint32_t station) {
  RunInfo info;
  info.event = kEvent;
  info.station = station;
  info.ticket_id = "00112233445566778899aabbccddeeff";
  info.peer = "192.0.2.7:40123";
  info.protocol = "rtmp";
  info.user_agent = "Téléphone/1.0 \"x\"";
  return info;
}

std::unique_ptr<ArchiveTest::Session> ArchiveTest::open(const std::shared_ptr<Volume>& volume,
                                                        const RunInfo& info,
                                                        const test::SyntheticSettings& media,
                                                        const RunSettings& run) {
  auto session = std::make_unique<Session>();
  auto writer = RunWriter::open(volume, info, run)->take([told = &session->told](const Record& record) {
    told->push_back(record);
  });
  EXPECT_TRUE(writer) << writer.error().message;
  if (!writer) return nullptr;
  session->writer = std::move(*writer);
  session->media =
      std::make_unique<test::SyntheticMedia>(media, session->writer->timeline_offset(), clock_.utc_us());
  EXPECT_TRUE(session->writer->begin(session->media->presentation()));
  return session;
}

void ArchiveTest::write(Session& session, int parts) {
  for (int i = 0; i < parts; ++i) {
    fmp4::Part part = session.media->next();
    clock_.advance_us(part.duration * 100 / 9);
    auto written = session.writer->write(part);
    ASSERT_TRUE(written) << written.error().message;
  }
}

std::string ArchiveTest::run_directory(const std::string& run, uint32_t station) const {
  char middle[64];
  std::snprintf(middle, sizeof middle, "/lta/%u/st/%02x/%06u/", kEvent, station % 256, station);
  return directory_.path() + middle + run;
}

Records ArchiveTest::read(const std::string& run, uint32_t station) const {
  auto records = read_run(directory_.path(), kEvent, station, run);
  EXPECT_TRUE(records) << records.error().message;
  return records ? records->records : Records();
}

void ArchiveTest::expect_sound() const {
  Checked checked = check_archive(directory_.path());
  EXPECT_TRUE(checked.ok) << checked.text;
}

}  // namespace headgate::store
