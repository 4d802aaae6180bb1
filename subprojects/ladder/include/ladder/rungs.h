// SPDX-License-Identifier: LGPL-2.1-or-later
// The rungs of a ladder as a person writes them: "1080p@4500k,720p@2500k,480p@1200k,audio@64k".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <base/result.h>

namespace headgate::ladder {

inline constexpr size_t kMaxRungs = 16;
inline constexpr size_t kMaxRungsText = 1024;                // bytes
inline constexpr uint32_t kMinLines = 64, kMaxLines = 4320;  // of video; even
inline constexpr uint32_t kMinVideoKbps = 20, kMaxVideoKbps = 200'000;
inline constexpr uint32_t kMinAudioKbps = 16, kMaxAudioKbps = 512;

struct Rung {
  std::string name;    // of its rendition: "720p", "audio-64k"
  uint32_t lines = 0;  // of the picture's shorter side; 0: audio
  uint32_t kbps = 0;

  bool is_audio() const { return lines == 0; }
  bool operator==(const Rung&) const = default;
};

// Rungs separated by commas, each `<lines>p@<kilobits>k` or `audio@<kilobits>k`; blanks around one are
// ignored. None is there twice. Video first, larger before smaller; then audio, likewise. An empty text has
// no rungs. Errors name what is wrong and where ("rung 2, \"72Op@1k\": …").
Result<std::vector<Rung>> parse_rungs(std::string_view text);
// What parse_rungs() reads.
std::string to_text(const std::vector<Rung>& rungs);

}  // namespace headgate::ladder
