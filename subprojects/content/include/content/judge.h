// SPDX-License-Identifier: LGPL-2.1-or-later
// What looks and hearings of one stream come to: conditions, each with a threshold, a second one behind which
// it ends (hysteresis), and since when it holds. Pure: times come with the calls, in ns, and grow.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <content/picture.h>
#include <content/sound.h>

namespace headgate::content {

enum class Condition : uint8_t { black, frozen, covered, silent, clipped };
inline constexpr size_t kConditions = 5;
const char* name_of(Condition condition);

struct ContentThresholds {
  double black_bright = 0.10;      // Look::bright below, and
  double black_contrast = 0.008;   // Look::contrast below
  double covered_detail = 0.01;    // Look::detail below
  double frozen_mean = 0.0015;     // Change::mean at most, and
  double frozen_most = 0.015;      // Change::most at most, and
  double frozen_frame = 64;        // bytes of one in ten frames between key frames, and
  double frozen_macroblock = 0.7;  // for each 16 x 16 pixels: at most
  double silent_db = -78;          // Hearing::rms_db below
  double clipped_share = 0.01;     // Hearing::clipped above
};

// How many samples in a row begin a condition and, not showing it by a margin, end it: what wavers at a
// threshold stays what it was. Frozen compares two pictures and knows of the frames between them. Sound is
// sampled twice as often as pictures; speech has pauses, in which nothing is clipped.
struct InARow {
  int begin, end;
};
inline constexpr std::array<InARow, kConditions> kInARow{{
    {2, 2},  // black
    {1, 2},  // frozen
    {2, 2},  // covered
    {3, 2},  // silent
    {2, 5},  // clipped
}};

class Judge {
 public:
  explicit Judge(const ContentThresholds& thresholds = {}) : thresholds_(thresholds) {}

  // A key frame that came at `time`. `between`: of the later half of the frames between the last key frame
  // and this one, one in ten has no more bytes, not counted what only fills up (H.264 and H.265 filler data,
  // SEI); nothing where there was none or it is not known, and then nothing is told frozen. An encoder that
  // has bits to spare goes on refining a picture that stands, but not with every frame. True: a condition
  // began or ended.
  bool saw(const Look& look, int pixels, bool full_range, std::optional<uint32_t> between, int64_t time);
  bool heard(const Hearing& hearing, int64_t time);
  // What was seen before says nothing of what comes: another session, other parameter sets.
  void restart();

  bool holds(Condition condition) const { return state(condition).since.has_value(); }
  // Of the first sample that showed it.
  std::optional<int64_t> since(Condition condition) const { return state(condition).since; }
  // What the last samples measured.
  const std::optional<Look>& look() const { return look_; }
  const std::optional<Change>& change() const { return change_; }
  const std::optional<Hearing>& hearing() const { return hearing_; }

 private:
  struct State {
    std::optional<int64_t> since;  // holds
    std::optional<int64_t> first;  // of the samples in a row that show it while it does not hold
    int in_a_row = 0;              // samples that speak for changing
  };
  // `more`: the condition is shown; `less`: it is not, by a margin.
  bool step(Condition condition, bool more, bool less, int64_t time);
  const State& state(Condition condition) const { return states_[static_cast<size_t>(condition)]; }

  ContentThresholds thresholds_;
  std::array<State, kConditions> states_{};
  std::optional<Look> look_;
  std::optional<Change> change_;
  std::optional<Hearing> hearing_;
};

}  // namespace headgate::content
