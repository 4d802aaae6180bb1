// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <cstdio>

#include "ladder/encoders.h"

namespace headgate::abrhlssink {
namespace {

// Rec. ITU-T H.264, table A-1, with the bit rates of High profile (A.3.3).
struct Level {
  unsigned idc;
  uint64_t blocks_per_second, blocks, kbps;
};
constexpr std::array kLevels = {
    Level{10, 1485, 99, 80},          Level{11, 3000, 396, 240},        Level{12, 6000, 396, 480},
    Level{13, 11880, 396, 960},       Level{20, 11880, 396, 2500},      Level{21, 19800, 792, 5000},
    Level{22, 20250, 1620, 5000},     Level{30, 40500, 1620, 12500},    Level{31, 108000, 3600, 17500},
    Level{32, 216000, 5120, 25000},   Level{40, 245760, 8192, 25000},   Level{42, 522240, 8704, 62500},
    Level{50, 589824, 22080, 168750}, Level{51, 983040, 36864, 300000}, Level{52, 2073600, 36864, 300000},
};

}  // namespace

std::string expected_codecs(const EncoderSettings& settings, uint32_t width, uint32_t height,
                            uint32_t rate_over, uint32_t rate_under, uint32_t kbps) {
  const std::string profile = expected_profile(settings);
  if (profile.empty()) return {};
  const uint64_t blocks = uint64_t{(width + 15) / 16} * ((height + 15) / 16);
  const uint64_t per_second = blocks * rate_over / (rate_under > 0 ? rate_under : 1);
  for (const Level& level : kLevels) {
    if (level.blocks < blocks || level.blocks_per_second < per_second || level.kbps < kbps) continue;
    char text[8];
    std::snprintf(text, sizeof text, "%02x", level.idc);
    return "avc1." + profile + text;
  }
  return {};
}

}  // namespace headgate::abrhlssink
