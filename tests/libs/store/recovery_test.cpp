// SPDX-License-Identifier: LGPL-2.1-or-later
// What a crash leaves, at any moment, and what recovery makes of it. A copy of the directory is what kill -9
// would leave; cutting and flipping its bytes is what a power cut or a bad disk would.
#include <fcntl.h>
#include <store/run_tail.h>
#include <unistd.h>

#include <filesystem>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;

// What a viewer could have been told: all but gaps, which are told to nobody but the archive's own listeners,
// and are recorded with the next commit.
Records without_gaps(const Records& records) {
  Records out;
  for (const Record& record : records)
    if (!std::holds_alternative<playlist::GapRecord>(record)) out.push_back(record);
  return out;
}

// `told` is what came before the crash: all of it is in `read`, which may only finish the last segment and
// end.
void expect_told(const Records& told, const Records& read) {
  ASSERT_GE(read.size(), told.size()) << describe(read);
  Records first(read.begin(), read.begin() + static_cast<ptrdiff_t>(told.size()));
  EXPECT_EQ(describe(first), describe(told));
  EXPECT_EQ(first, told);
  for (size_t i = told.size(); i + 1 < read.size(); ++i)
    EXPECT_TRUE(std::holds_alternative<playlist::SegmentRecord>(read[i])) << describe(read);
  EXPECT_EQ(read.back(), Record(playlist::EndRecord{"crash"}));
}

class RecoveryTest : public ArchiveTest {
 protected:
  RecoveryTest() { settings_.commit_ms = 3'600'000; }  // only when told to

  // The archive as it is now, as its writer's sudden death would leave it.
  std::string snapshot() {
    std::string copy = copies_.path() + "/" + std::to_string(next_copy_++);
    fs::copy(directory_.path(), copy, fs::copy_options::recursive);
    return copy;
  }
  std::string run_in(const std::string& root, const std::string& run) const {
    return root + run_directory(run).substr(directory_.path().size());
  }
  static Records read_in(const std::string& root, const std::string& run) {
    auto records = read_run(root, kEvent, kStation, run);
    EXPECT_TRUE(records) << records.error().message;
    return records ? records->records : Records();
  }
  // What a run adds up to is what a reader finds in it, beyond its lines as well.
  static void expect_summed(const std::string& root, const std::string& run) {
    uint64_t segments = 0;
    int64_t duration = 0;
    for (const Record& record : read_in(root, run))
      if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
        ++segments;
        duration += segment->duration;
      }
    auto sum = sum_run(root, kEvent, kStation, run);
    ASSERT_TRUE(sum) << sum.error().message;
    EXPECT_EQ(sum->segments, segments);
    EXPECT_EQ(sum->duration, duration);
  }
  static void expect_sound_in(const std::string& root) {
    Checked checked = check_archive(root);
    EXPECT_TRUE(checked.ok) << checked.text;
  }

  ArchiveDirectory copies_;
  int next_copy_ = 0;
};

TEST_F(RecoveryTest, EveryPartThatWasToldSurvives) {
  auto disk = volume();
  RunSettings settings;
  settings.file_ms = 7000;
  auto session = open(disk, info(), {}, settings);
  for (int step = 0; step < 40; ++step) {
    // Alive, committed or not: a reader knows what was told, finished segments included.
    EXPECT_EQ(describe(read(session->writer->name())), describe(session->told));
    std::string copy = snapshot();
    expect_summed(copy, session->writer->name());
    RecoverySummary summary = recover(copy, "n02");
    EXPECT_EQ(summary.recovered, 1);
    EXPECT_TRUE(summary.problems.empty()) << summary.problems[0];
    expect_told(session->told, read_in(copy, session->writer->name()));
    expect_summed(copy, session->writer->name());
    if (step % 8 == 3) expect_sound_in(copy);
    // Again: there is nothing left to do.
    summary = recover(copy, "n02");
    EXPECT_EQ(summary.runs, 0);
    fs::remove_all(copy);
    write(*session, 1);
    if (step % 7 == 6) disk->commit();
  }
}

TEST_F(RecoveryTest, TheNextRunGoesOnBehindWhatWasTold) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 11);
  disk->commit();
  write(*session, 6);  // segments that only the media tells of
  std::string copy = snapshot();
  std::string run = session->writer->name();

  VolumeSettings settings = settings_;
  settings.root = copy;
  settings.node = "n02";
  auto other = Volume::open(settings, clock_);
  ASSERT_TRUE(other);
  clock_.advance_us(3'000'000);
  auto next = open(*other, info());
  Records before = read_in(copy, run);  // recovered or not: the same
  auto part = std::get<playlist::PartRecord>(session->told.back());
  EXPECT_EQ(std::get<playlist::RunRecord>(next->told.at(0)).first_msn, part.msn + 1);
  EXPECT_EQ(std::get<playlist::RunRecord>(next->told.at(0)).discontinuity_sequence, 1u);
  write(*next, 5);
  auto gap = std::get<playlist::GapRecord>(next->told.at(2));
  EXPECT_EQ(gap.reason, "restart");
  EXPECT_EQ(gap.from_pts, part.pts + part.duration);
  (*other)->commit();
  next->writer->end("unpublish");
  next.reset();
  *other = nullptr;
  recover(copy, "n02");  // if it has not been done
  expect_told(session->told, read_in(copy, run));
  expect_sound_in(copy);
}

TEST_F(RecoveryTest, LeavesLivingRunsAlone) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 9);
  disk->commit();
  RecoverySummary summary = recover(directory_.path(), "n02");
  EXPECT_EQ(summary.live, 1);
  EXPECT_EQ(summary.recovered, 0);
  write(*session, 9);
  session->writer->end("unpublish");
  disk->commit();
  EXPECT_EQ(read(session->writer->name()), session->told);
  EXPECT_EQ(recover(directory_.path(), "n02").runs, 0);
  expect_sound();
}

// A power cut may leave any prefix of what was appended after the last commit.
TEST_F(RecoveryTest, ChainCutAtEveryByteAfterTheLastCommit) {
  auto disk = volume();
  RunSettings settings;
  settings.file_ms = 4000;
  test::SyntheticSettings small;
  small.video_bytes = small.audio_bytes = 20;
  auto session = open(disk, info(), small, settings);
  std::string run = session->writer->name();
  write(*session, 13);
  disk->commit();
  size_t committed = read_text(run_directory(run) + "/run.jl").size();
  write(*session, 13);
  Records told = session->told;
  // The chain as the next commit would have written it.
  disk->commit();
  std::string copy = snapshot();
  std::string chain = read_text(run_in(copy, run) + "/run.jl");
  ASSERT_GT(chain.size(), committed + 1000);
  for (size_t cut = committed; cut <= chain.size(); ++cut) {
    std::string root = copies_.path() + "/cut";
    fs::copy(copy, root, fs::copy_options::recursive);
    write_text(run_in(root, run) + "/run.jl", std::string_view(chain).substr(0, cut));
    size_t whole = chain.rfind('\n', cut == 0 ? 0 : cut - 1) + 1;
    RecoverySummary summary = recover(root, "n02");
    ASSERT_TRUE(summary.problems.empty()) << cut << ": " << summary.problems[0];
    ASSERT_EQ(summary.torn_bytes, cut - whole);
    if (cut > whole) {
      ASSERT_EQ(read_text(run_in(root, run) + "/run.jl.torn-0"), chain.substr(whole, cut - whole));
    }
    ASSERT_TRUE(read_text(run_in(root, run) + "/run.jl").starts_with(chain.substr(0, whole)));
    expect_told(without_gaps(told), without_gaps(read_in(root, run)));
    if (cut % 300 == 0) expect_sound_in(root);
    if (HasFailure()) FAIL() << "cut at " << cut;
    fs::remove_all(root);
  }
}

TEST_F(RecoveryTest, MediaCutBehindTheLastRecordLosesOnlyWhatIsCut) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 9);
  disk->commit();
  write(*session, 2);
  std::string copy = snapshot();
  std::string media = read_text(run_in(copy, run) + "/000000.mp4.part");
  std::string frag = lines_of(run_in(copy, run), "frag").back();
  auto end = static_cast<size_t>(number_in(frag, "off") + number_in(frag, "len"));
  ASSERT_GT(media.size(), end + 10'000);
  for (size_t cut = end; cut < media.size(); cut += 97) {
    std::string root = copies_.path() + "/cut";
    fs::copy(copy, root, fs::copy_options::recursive);
    write_text(run_in(root, run) + "/000000.mp4.part", std::string_view(media).substr(0, cut));
    RecoverySummary summary = recover(root, "n02");
    ASSERT_TRUE(summary.problems.empty()) << summary.problems[0];
    ASSERT_EQ(summary.unattested_bytes, cut - end);
    Records whole;
    for (const Record& record : session->told) {
      auto* part = std::get_if<playlist::PartRecord>(&record);
      if (part == nullptr || part->offset + part->length <= cut) whole.push_back(record);
    }
    expect_told(whole, read_in(root, run));
    ASSERT_EQ(read_text(run_in(root, run) + "/000000.mp4"), media.substr(0, cut));
    if (cut % 20 == 0) expect_sound_in(root);
    if (HasFailure()) FAIL() << "cut at " << cut;
    fs::remove_all(root);
  }
}

TEST_F(RecoveryTest, RecordedBytesThatAreGoneAreAnAlarm) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 9);
  disk->commit();
  std::string copy = snapshot();
  std::string path = run_in(copy, run) + "/000000.mp4.part";
  std::string frag = lines_of(run_in(copy, run), "frag").back();
  auto end = number_in(frag, "off") + number_in(frag, "len");
  write_text(path, read_text(path).substr(0, static_cast<size_t>(end - 100)));
  RecoverySummary summary = recover(copy, "n02");
  EXPECT_EQ(summary.missing_bytes, 100u);
  EXPECT_EQ(summary.problems.size(), 2u);
  std::string line = lines_of(run_in(copy, run), "recover").at(0);
  EXPECT_EQ(number_in(line, "attested_len"), end);
  EXPECT_EQ(number_in(line, "missing"), 100);
  EXPECT_NE(line.find("\"bad\":[" + std::to_string(number_in(frag, "n")) + "]"), line.npos) << line;
}

TEST_F(RecoveryTest, ChangedMediaIsNamed) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 13);
  disk->commit();
  std::string copy = snapshot();
  std::string path = run_in(copy, run) + "/000000.mp4.part";
  std::string media = read_text(path);
  std::string frag = lines_of(run_in(copy, run), "frag").at(1);
  media[static_cast<size_t>(number_in(frag, "off") + number_in(frag, "len") - 5)] ^= 1;
  write_text(path, media);
  RecoverySummary summary = recover(copy, "n02");
  EXPECT_EQ(summary.problems.size(), 1u);
  EXPECT_NE(
      lines_of(run_in(copy, run), "recover").at(0).find("\"bad\":[" + std::to_string(number_in(frag, "n"))),
      std::string::npos);
}

TEST_F(RecoveryTest, TheIndexMadeAtReceptionIsKept) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 41);
  disk->commit();
  std::string sound = snapshot(), damaged = snapshot();
  write(*session, 41);
  std::string behind = snapshot();  // its index knows frames that no record knows
  auto index = [&](const std::string& root) { return run_in(root, run) + "/000000.fhx"; };
  std::string received = read_text(index(sound)), more = read_text(index(behind));
  ASSERT_GT(received.size(), 4000u);
  ASSERT_GT(more.size(), received.size());
  std::string media = read_text(run_in(damaged, run) + "/000000.mp4.part");
  media[static_cast<size_t>(number_in(lines_of(run_in(damaged, run), "frag").at(1), "off") + 2000)] ^= 1;
  write_text(run_in(damaged, run) + "/000000.mp4.part", media);

  recover(sound, "n02");
  EXPECT_FALSE(fs::exists(index(sound) + ".found-0"));
  EXPECT_TRUE(read_text(index(sound)).starts_with(received));
  recover(damaged, "n02");
  EXPECT_EQ(read_text(index(damaged) + ".found-0"), received);
  EXPECT_NE(read_text(index(damaged)).substr(0, received.size()), received);
  recover(behind, "n02");
  EXPECT_EQ(read_text(index(behind) + ".found-0"), more);
  EXPECT_LT(fs::file_size(index(behind)), more.size());
  expect_sound_in(behind);
}

TEST_F(RecoveryTest, ADamagedLineIsPassedOverAndItsMediaFound) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 21);
  session->writer->end("unpublish");
  disk->commit();
  std::string chain = read_text(run_directory(run) + "/run.jl");
  for (const std::string type : {"file", "frag", "close"}) {
    std::string damaged = chain;
    std::string line = lines_of(run_directory(run), type).at(type == "frag" ? 2 : 0);
    damaged[damaged.find(line) + line.find("\"t\"") + 12] ^= 0x04;
    std::string copy = snapshot();
    write_text(run_in(copy, run) + "/run.jl", damaged);
    EXPECT_EQ(describe(read_in(copy, run)), describe(session->told)) << type;
    EXPECT_EQ(read_in(copy, run), session->told);
    EXPECT_FALSE(check_archive(copy).ok);  // the checker sees it
  }
}

TEST_F(RecoveryTest, DamageIsToldByRecoveryAndNotTouched) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 13);
  disk->commit();
  std::string copy = snapshot();
  std::string chain = read_text(run_in(copy, run) + "/run.jl");
  std::string line = lines_of(run_in(copy, run), "frag").at(0);
  chain[chain.find(line) + 40] ^= 1;
  write_text(run_in(copy, run) + "/run.jl", chain);
  RecoverySummary summary = recover(copy, "n02");
  ASSERT_FALSE(summary.problems.empty());
  EXPECT_NE(summary.problems[0].find("damaged line"), std::string::npos);
  EXPECT_TRUE(read_text(run_in(copy, run) + "/run.jl").starts_with(chain));
  EXPECT_NE(lines_of(run_in(copy, run), "recover").at(0).find("\"damaged\":[2]"), std::string::npos);
  expect_told(session->told, read_in(copy, run));
}

TEST_F(RecoveryTest, DiesInItsFirstSecond) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  std::string empty = snapshot();  // `open` alone
  recover(empty, "n02");
  expect_told(session->told, read_in(empty, run));
  expect_sound_in(empty);
  write(*session, 7);
  std::string unrecorded = snapshot();  // media without a line
  recover(unrecorded, "n02");
  expect_told(session->told, read_in(unrecorded, run));
  expect_sound_in(unrecorded);
  // A power cut that took even the first line; then one that took the whole run but its name.
  std::string lost = snapshot();
  write_text(run_in(lost, run) + "/run.jl", "");
  RecoverySummary summary = recover(lost, "n02");
  EXPECT_TRUE(summary.problems.empty());
  EXPECT_TRUE(read_in(lost, run).empty());
  EXPECT_EQ(recover(lost, "n02").runs, 0);
  std::string name_only = snapshot();
  fs::remove_all(run_in(name_only, run));
  fs::create_directory(run_in(name_only, run));
  EXPECT_EQ(recover(name_only, "n02").runs, 0);
}

TEST_F(RecoveryTest, FinishesAnInterruptedRename) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 9);
  session->writer->end("unpublish");
  disk->commit();
  std::string copy = snapshot();
  fs::rename(run_in(copy, run) + "/000000.mp4", run_in(copy, run) + "/000000.mp4.part");
  std::string chain = read_text(run_in(copy, run) + "/run.jl");
  EXPECT_EQ(recover(copy, "n02").runs, 1);
  EXPECT_EQ(read_text(run_in(copy, run) + "/run.jl"), chain);
  expect_sound_in(copy);
}

// Recovery itself may be cut short anywhere.
TEST_F(RecoveryTest, RecoveryCutAtEveryByte) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 9);
  disk->commit();
  write(*session, 3);
  std::string copy = snapshot();
  size_t before = read_text(run_in(copy, run) + "/run.jl").size();
  std::string recovered = copies_.path() + "/recovered";
  fs::copy(copy, recovered, fs::copy_options::recursive);
  recover(recovered, "n02");
  std::string chain = read_text(run_in(recovered, run) + "/run.jl");
  // The index is in place before the lines are written, the media's name comes after.
  std::string media = run_in(recovered, run) + "/000000.mp4";
  fs::rename(media, media + ".part");
  for (size_t cut = before; cut < chain.size(); cut += 7) {
    std::string root = copies_.path() + "/cut";
    fs::copy(recovered, root, fs::copy_options::recursive);
    write_text(run_in(root, run) + "/run.jl", std::string_view(chain).substr(0, cut));
    EXPECT_EQ(recover(root, "n03").recovered, 1);
    expect_told(session->told, read_in(root, run));
    if (cut % 5 == 0) expect_sound_in(root);
    if (HasFailure()) FAIL() << "cut at " << cut;
    fs::remove_all(root);
  }
}

TEST_F(RecoveryTest, VolumesThatAreNoEvidenceRecoverToo) {
  settings_.durable = false;
  auto disk = volume();
  auto session = open(disk);
  write(*session, 9);
  disk->commit();
  write(*session, 6);
  std::string copy = snapshot();
  EXPECT_EQ(recover(copy, "n02").recovered, 1);
  expect_told(session->told, read_in(copy, session->writer->name()));
  expect_sound_in(copy);
}

}  // namespace
}  // namespace headgate::store
