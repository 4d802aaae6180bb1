// SPDX-License-Identifier: LGPL-2.1-or-later
#include "threshold_properties.h"

#include <gst/gst.h>

#include <array>

#include "common/settings.h"

namespace headgate::healthprobe {
namespace {

constexpr guint64 kLongest = 3600 * GST_SECOND;
constexpr guint64 kMostBits = 1'000'000'000;
constexpr guint64 kMostPerSecond = 1000, kMostJumps = 1000;

struct Property {
  const char* name;
  const char* nick;
  const char* blurb;
  int64_t Thresholds::*value;
  guint64 min, max;
};

constexpr std::array kProperties{
    Property{"stall-threshold", "Stall threshold",
             "Time without a buffer after which a stream has stalled (ns)", &Thresholds::stall,
             10 * GST_MSECOND, kLongest},
    Property{"jump-threshold", "Jump threshold",
             "A timestamp further ahead of where it was expected is a jump (ns)", &Thresholds::jump,
             GST_MSECOND, kLongest},
    Property{"late-threshold", "Late threshold",
             "A stream that falls so far behind real time is late (ns); 0: never", &Thresholds::late, 0,
             kLongest},
    Property{"jumping-threshold", "Jumping threshold",
             "A stream whose timestamps jump or go back so often in a minute is jumping; 0: never",
             &Thresholds::jumps, 0, kMostJumps},
    Property{"jitter-threshold", "Jitter threshold",
             "A stream that comes so irregularly is jittery (ns, as in RFC 3550, 6.4.1); 0: never",
             &Thresholds::jitter, 0, kLongest},
    Property{"bit-rate-threshold", "Bit rate threshold",
             "Video of fewer bits has a low rate (bit/s); 0: never", &Thresholds::bit_rate, 0, kMostBits},
    Property{"frame-rate-threshold", "Frame rate threshold",
             "Video of fewer frames has a low frame rate (1/s); 0: never", &Thresholds::frame_rate, 0,
             kMostPerSecond},
    Property{"gop-threshold", "GOP threshold",
             "Video whose last GOP was so long has long GOPs (ns); 0: never", &Thresholds::gop, 0, kLongest},
    Property{"key-age-threshold", "Key frame age threshold",
             "Time without a key frame after which the next one is late (ns); 0: never", &Thresholds::key_age,
             0, kLongest},
    Property{
        "drift-threshold", "Drift threshold",
        "Sound and picture that have moved so far apart since the session began are drifting (ns); 0: never",
        &Thresholds::drift, 0, kLongest},
    Property{"offset-threshold", "Offset threshold",
             "Sound and picture that are so far apart are out of sync (ns); 0: never", &Thresholds::offset, 0,
             kLongest},
};

}  // namespace

void install_thresholds(GObjectClass* klass, guint first_id) {
  const Thresholds defaults;
  for (const Property& one : kProperties)
    g_object_class_install_property(
        klass, first_id++,
        g_param_spec_uint64(one.name, one.nick, one.blurb, one.min, one.max,
                            static_cast<guint64>(defaults.*one.value), gst::kReadWrite));
}

int64_t* threshold_of(Thresholds& thresholds, guint index) {
  return index < kProperties.size() ? &(thresholds.*kProperties[index].value) : nullptr;
}

}  // namespace headgate::healthprobe
