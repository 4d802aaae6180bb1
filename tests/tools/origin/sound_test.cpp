// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists of sound alone while it comes and goes: what the archive's writer tells, part by part, as a
// player reads it who forgets nothing, and as an origin says it that has just been started.
#include <gtest/gtest.h>

#include <base/io.h>
#include <conformance/playlist_history.h>
#include <conformance/playlist_rules.h>
#include <fcntl.h>
#include <playlist/hls.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "archive_fixture.h"
#include "segment_facts.h"

namespace headgate::origin {
namespace {

using conformance::Finding;

constexpr int64_t kPictureMs = 40, kGopMs = 1000;
constexpr int64_t kTicksPerMs = 90;
constexpr int64_t kSamples = 1024, kRate = 48'000;

struct Script {
  int64_t lasts_ms = 0;  // its pictures
  std::vector<std::pair<int64_t, int64_t>> sound;
  int64_t lag_ms = 0;         // sound comes so much later than pictures of its time
  bool falls_silent = false;  // before it ends
};

class SoundPlaylist : public store::ArchiveTest {
 protected:
  // Each time another station.
  void play(const Script& script);
  // Seconds, of each segment and behind it of its parts: "2.000: 0.520 …".
  std::vector<std::string> listed() const;
  const std::vector<std::string>& findings() const { return findings_; }

 private:
  struct Reader {
    playlist::StreamIndex index;
    playlist::TrackFacts facts;
    std::set<uint64_t> known;
  };
  void read_facts(Reader& reader) const;
  static std::string text(const Reader& reader);
  void push(codec::Kind kind, int64_t dts, bool key);
  void write();
  void look();
  void compare_with_new_origin();

  std::shared_ptr<store::Volume> volume_;
  uint32_t station_ = kStation;
  std::unique_ptr<Session> session_;
  std::optional<fmp4::Packager> packager_;
  ByteVector payload_ = ByteVector(64, std::byte{0x5a});
  Reader live_;
  size_t seen_ = 0;  // records
  conformance::PlaylistHistory history_;
  conformance::Micros now_ = 0;
  std::vector<std::string> findings_;
};

void SoundPlaylist::read_facts(Reader& reader) const {
  for (const playlist::Segment& segment : reader.index.segments()) {
    const playlist::SegmentRecord& record = segment.record;
    if (!reader.known.insert(record.msn).second) continue;
    const std::string path = directory_.path() + "/" + record.file;
    auto file = open_file(path, O_RDONLY);
    if (!file) file = open_file(path + ".part", O_RDONLY);
    ASSERT_TRUE(file) << path;
    const auto source = fmp4::source_of_file(file->get());
    ASSERT_TRUE(source);
    const auto facts = origin::read_facts(*source, record, audio_timescale(*source));
    ASSERT_TRUE(facts) << facts.error().message;
    reader.facts.put(record.msn, *facts);
  }
}

std::string SoundPlaylist::text(const Reader& reader) {
  return playlist::media_playlist(
      reader.index, {.view = playlist::View::audio, .facts = &reader.facts, .directives = true});
}

// Who asks is told of all that came together.
void SoundPlaylist::look() {
  if (seen_ == session_->told.size()) return;
  const size_t segments = live_.index.segments().size();
  for (; seen_ < session_->told.size(); ++seen_) live_.index.add(session_->told[seen_]);
  read_facts(live_);
  if (live_.index.segments().empty()) return;
  const conformance::Parsed parsed = conformance::parse_playlist(text(live_));
  ASSERT_TRUE(parsed.media);
  const auto note = [&](const conformance::Findings& more) {
    // Nobody looks at the clock here.
    for (const Finding& one : more)
      if (one.rule->id != std::string("part-late") && one.rule->id != std::string("stalled"))
        findings_.push_back(std::string(one.rule->id) + ": " + one.what);
  };
  note(parsed.findings);
  note(conformance::check_media_playlist(*parsed.media));
  note(history_.observe(*parsed.media, {now_, now_, true}));
  if (live_.index.segments().size() > segments) compare_with_new_origin();
}

void SoundPlaylist::compare_with_new_origin() {
  Reader later;
  for (const playlist::Record& record : read(session_->writer->name(), station_)) later.index.add(record);
  read_facts(later);
  EXPECT_EQ(text(later), text(live_));
}

void SoundPlaylist::push(codec::Kind kind, int64_t dts, bool key) {
  fmp4::AccessUnit unit;
  unit.kind = kind;
  unit.dts = unit.pts = dts;
  unit.key = key;
  unit.data = payload_;
  ASSERT_TRUE(packager_->push(std::move(unit)));
  write();
}

void SoundPlaylist::write() {
  while (const auto part = packager_->next_part()) {
    const auto written = session_->writer->write(*part);
    ASSERT_TRUE(written) << written.error().message;
  }
}

void SoundPlaylist::play(const Script& script) {
  session_.reset();
  live_ = Reader();
  seen_ = 0;
  history_ = conformance::PlaylistHistory();
  findings_.clear();
  if (!volume_) volume_ = volume();
  store::RunInfo run = info(++station_);
  const fmp4::PackagerSettings settings;
  run.max_segment_ms = static_cast<uint32_t>(fmp4::longest_segment_ms(settings));
  run.max_part_ms = static_cast<uint32_t>(fmp4::longest_part_ms(settings));
  session_ = open(volume_, run);
  packager_.emplace(session_->media->presentation(), settings);
  const int64_t offset = session_->writer->timeline_offset(), sound_offset = offset / 15 * 8;
  int64_t unit = 0;  // of sound, of the whole of time
  const auto sound_until = [&](int64_t ms) {
    for (; unit * kSamples * 1000 < ms * kRate; ++unit) {
      const int64_t at_ms = unit * kSamples * 1000 / kRate;
      const bool there = std::any_of(script.sound.begin(), script.sound.end(), [&](const auto& piece) {
        return at_ms >= piece.first && at_ms < piece.second;
      });
      if (there) push(codec::Kind::audio, sound_offset + unit * kSamples, true);
    }
  };
  for (int64_t ms = 0; ms < script.lasts_ms; ms += kPictureMs) {
    now_ += kPictureMs * 1000;
    clock_.advance_us(kPictureMs * 1000);
    push(codec::Kind::video, offset + ms * kTicksPerMs, ms % kGopMs == 0);
    look();
    sound_until(ms - script.lag_ms);
    look();
  }
  if (script.falls_silent) {
    packager_->settle();
    write();
    look();
  }
  packager_->flush();
  write();
  session_->writer->end("disconnect");
  volume_->commit();  // whoever reads it now finds its end
  look();
}

std::vector<std::string> SoundPlaylist::listed() const {
  const auto seconds = [](conformance::Micros time) {
    char out[32];
    std::snprintf(out, sizeof out, "%.2f", static_cast<double>(time) / 1e6);
    return std::string(out);
  };
  std::vector<std::string> out;
  if (!history_.last()) return out;
  for (const conformance::Segment& segment : history_.last()->segments) {
    std::string line = seconds(segment.duration) + (segment.gap ? " gap:" : ":");
    for (const conformance::Part& part : segment.parts)
      line += " " + seconds(part.duration) + (part.gap ? "-" : "");
    out.push_back(std::move(line));
  }
  return out;
}

using Lines = std::vector<std::string>;

TEST_F(SoundPlaylist, ASegmentLastsAsItsPicturesWhereSoundStopsAndTheyGoOn) {
  play({.lasts_ms = 8040, .sound = {{0, 2800}, {6500, 8040}}});
  EXPECT_EQ(findings(), Lines());
  const Lines all = listed();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0], "2.01: 0.52 0.52 0.52 0.44");
  EXPECT_EQ(all[1], "2.00: 0.52 0.52 0.52- 0.44-");
  EXPECT_EQ(all[2], "2.00 gap: 0.52- 0.52- 0.52- 0.44-");
  EXPECT_EQ(all[3], "2.00: 0.52 0.52 0.52 0.44") << "it is back";
}

// What waited for it is told with the end, and players stay at the end of what that promises.
TEST_F(SoundPlaylist, ARunThatIsCutOffLastsAsItsSound) {
  play({.lasts_ms = 3600, .sound = {{0, 3600}}, .lag_ms = 300});
  EXPECT_EQ(findings(), Lines());
  EXPECT_EQ(listed(), (Lines{"2.01: 0.52 0.52 0.52 0.44", "1.26: 0.52 0.52 0.20 0.02-"}));
}

// Wherever it stops and comes back, however far it is behind, and whether or not its source is heard to fall
// silent before it is gone.
class SoundComesAndGoes : public SoundPlaylist, public testing::WithParamInterface<int64_t> {};

TEST_P(SoundComesAndGoes, NoPartChangesThatWasListed) {
  for (const bool silent : {false, true})
    for (int64_t stops_ms = 2070; stops_ms < 4300; stops_ms += 310)
      for (const int64_t away_ms : {150, 900, 2300}) {
        const int64_t back_ms = stops_ms + away_ms, end_ms = back_ms + 900;
        for (const int64_t back_until_ms : {end_ms, back_ms}) {
          play({.lasts_ms = end_ms,
                .sound = {{0, stops_ms}, {back_ms, back_until_ms}},
                .lag_ms = GetParam(),
                .falls_silent = silent});
          EXPECT_EQ(findings(), Lines())
              << silent << " " << stops_ms << " " << back_ms << " " << back_until_ms;
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Lags, SoundComesAndGoes, testing::Values(0, 240, 700));

// Nor where it is late to begin with.
TEST_F(SoundPlaylist, SoundThatBeginsLate) {
  play({.lasts_ms = 4040, .sound = {{600, 4040}}});
  EXPECT_EQ(findings(), Lines());
  EXPECT_EQ(listed(), (Lines{"2.00: 0.52- 0.52 0.52 0.44", "2.01: 0.52 0.52 0.52 0.44", "0.04 gap: 0.04-"}));
}

}  // namespace
}  // namespace headgate::origin
