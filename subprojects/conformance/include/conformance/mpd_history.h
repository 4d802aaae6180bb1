// SPDX-License-Identifier: LGPL-2.1-or-later
// One MPD, reading after reading (ISO/IEC 23009-1:2022, 5.4).
#pragma once

#include <conformance/mpd.h>
#include <conformance/playlist_history.h>

namespace headgate::conformance {

class MpdHistory {
 public:
  Findings observe(const Mpd& mpd, ReadingTime time);
  const Mpd* last() const { return last_ ? &*last_ : nullptr; }

 private:
  void compare(const Mpd& now, ReadingTime time, Findings& findings);
  void compare_period(const MpdPeriod& before, const MpdPeriod& now, Micros end, Findings& findings) const;
  void compare_clocks(const MpdPeriod& before, const MpdPeriod& now, Findings& findings) const;
  void compare_segments(const MpdRepresentation& before, const MpdRepresentation& now,
                        Findings& findings) const;
  void compare_depth(const MpdRepresentation& before, const MpdRepresentation& now, Micros zero, Micros end,
                     Findings& findings) const;
  void progress(const Mpd& now, ReadingTime time, Findings& findings);

  std::optional<Mpd> last_;
  Micros grew_ = 0;  // when a reading with a new segment was complete
  bool told_stalled_ = false;
};

}  // namespace headgate::conformance
