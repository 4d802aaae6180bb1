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

// What a stream's content is held against: shares are of 1, levels in dBFS.
struct ContentProperty {
  const char* name;
  const char* nick;
  const char* blurb;
  double content::ContentThresholds::*value;
  double min, max;  // so that what has begun can end, by its margin
};

constexpr double kMostShare = 0.5, kMostBytes = 1'000'000;

constexpr std::array kContentProperties{
    ContentProperty{"black-brightness", "Black brightness",
                    "A picture is black whose brightness is below this and whose contrast is low (fraction "
                    "of the luma's range); 0: never",
                    &content::ContentThresholds::black_bright, 0, kMostShare},
    ContentProperty{"black-contrast", "Black contrast",
                    "A picture is black whose contrast is below this and whose brightness is low (fraction "
                    "of the luma's range); 0: never",
                    &content::ContentThresholds::black_contrast, 0, kMostShare},
    ContentProperty{
        "covered-detail", "Covered detail",
        "A lens is covered where less than this share of a picture's squares shows an edge; 0: never",
        &content::ContentThresholds::covered_detail, 0, kMostShare},
    ContentProperty{"frozen-mean", "Frozen mean",
                    "A picture is frozen that differs from the last one by no more than this in the mean "
                    "(fraction of the luma's range), where frozen-most and frozen-frame say so, too",
                    &content::ContentThresholds::frozen_mean, 0, kMostShare},
    ContentProperty{"frozen-most", "Frozen most",
                    "A picture is frozen of which no square differs by more than this (fraction of the "
                    "luma's range), where frozen-mean and frozen-frame say so, too",
                    &content::ContentThresholds::frozen_most, 0, kMostShare},
    ContentProperty{"frozen-frame", "Frozen frame",
                    "A picture is frozen where one in ten of the frames since the last one has no more than "
                    "this and frozen-macroblock (bytes); both 0: never",
                    &content::ContentThresholds::frozen_frame, 0, kMostBytes},
    ContentProperty{"frozen-macroblock", "Frozen macroblock",
                    "What is added to frozen-frame for each 16 x 16 pixels of a picture (bytes)",
                    &content::ContentThresholds::frozen_macroblock, 0, kMostBytes},
    ContentProperty{"silent-level", "Silent level",
                    "Sound is silent whose level is below this (dBFS); -120: never",
                    &content::ContentThresholds::silent_db, content::kSilenceDb, -6},
    ContentProperty{"clipped-share", "Clipped share",
                    "Sound is clipped of which more than this share is at full scale; 1: never",
                    &content::ContentThresholds::clipped_share, 0.0001, 1},
};

void read(const GValue* value, int64_t& threshold) {
  threshold = static_cast<int64_t>(g_value_get_uint64(value));
}
void read(const GValue* value, double& threshold) {
  threshold = g_value_get_double(value);
}
void write(int64_t threshold, GValue* value) {
  g_value_set_uint64(value, static_cast<guint64>(threshold));
}
void write(double threshold, GValue* value) {
  g_value_set_double(value, threshold);
}

// Where the property of this index, as they are installed, is kept. False: there is none.
template <typename Settings, typename F>
bool at_threshold(Settings& settings, guint index, F call) {
  if (index < kProperties.size()) {
    call(settings.thresholds.*kProperties[index].value);
    return true;
  }
  index -= kProperties.size();
  if (index >= kContentProperties.size()) return false;
  call(settings.content.thresholds.*kContentProperties[index].value);
  return true;
}

}  // namespace

void install_thresholds(GObjectClass* klass, guint first_id) {
  const ProbeSettings defaults;
  for (const Property& one : kProperties)
    g_object_class_install_property(
        klass, first_id++,
        g_param_spec_uint64(one.name, one.nick, one.blurb, one.min, one.max,
                            static_cast<guint64>(defaults.thresholds.*one.value), gst::kReadWrite));
  for (const ContentProperty& one : kContentProperties)
    g_object_class_install_property(
        klass, first_id++,
        g_param_spec_double(one.name, one.nick, one.blurb, one.min, one.max,
                            defaults.content.thresholds.*one.value, gst::kReadWrite));
}

bool set_threshold(ProbeSettings& settings, guint index, const GValue* value) {
  return at_threshold(settings, index, [value](auto& threshold) { read(value, threshold); });
}

bool get_threshold(const ProbeSettings& settings, guint index, GValue* value) {
  return at_threshold(settings, index, [value](const auto& threshold) { write(threshold, value); });
}

}  // namespace headgate::healthprobe
