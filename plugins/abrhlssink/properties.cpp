// SPDX-License-Identifier: LGPL-2.1-or-later
#include "properties.h"

#include <algorithm>

#include "common/settings.h"

namespace headgate::abrhlssink {

using gst::kReadOnly;
using gst::kReadWrite;
using gst::set_string;
using gst::string_of;

namespace {

constexpr auto kAnyTime = static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_PLAYING);

void install_text(GObjectClass* klass, guint id, const char* name, const char* nick, const char* about,
                  const char* standard = nullptr, GParamFlags flags = kReadWrite) {
  g_object_class_install_property(klass, id, g_param_spec_string(name, nick, about, standard, flags));
}

void install_ns(GObjectClass* klass, guint id, const char* name, const char* nick, const char* about,
                uint64_t least, uint64_t most, uint64_t standard) {
  g_object_class_install_property(klass, id,
                                  g_param_spec_uint64(name, nick, about, least, most, standard, kReadWrite));
}

void install_ladder(GObjectClass* klass, const Settings& defaults) {
  install_text(
      klass, kRungs, "rungs", "Rungs",
      "Renditions that are encoded from the encoded pads, as in "
      "\"720p@2500k,480p@1200k,audio@64k\": lines of the picture's shorter side, or audio, and "
      "kilobits a second. Larger ones than the source are left out, and the source stands for one of "
      "its own size. Where encoding falls behind a live source the largest is paused, and resumed later: "
      "later "
      "still while this process' control group (where it has none, the machine) waits for processors (PSI). "
      "Not set: none");
  install_text(klass, kActiveRungs, "active-rungs", "Active rungs",
               "Video rungs that are encoded now: all, none, or names separated by commas (\"720p,480p\"). A "
               "rung begins with a segment",
               defaults.active_rungs.c_str(), kAnyTime);
  install_text(
      klass, kRoot, "root", "Root",
      "Beside records: the archive's root; rungs are written under derived/ in it. Not set: location",
      nullptr);
  install_text(klass, kNode, "node", "Node", "Name of this node in the names of the rungs' runs",
               defaults.node.c_str());
  install_ns(klass, kRetention, "retention", "Retention",
             "Beside records: how long the rungs' media is kept (ns). 0: for ever", 0,
             365 * 24 * 3600 * GST_SECOND, defaults.keep_ns);
  g_object_class_install_property(
      klass, kOnDemand,
      g_param_spec_boolean("on-demand", "On demand",
                           "Video rungs are encoded while somebody asks for them (want-rendition); read from "
                           "files those of sound, too",
                           defaults.on_demand, kReadWrite));
  install_ns(klass, kIdleTimeout, "idle-timeout", "Idle timeout",
             "On demand: a rung that nobody has asked for so long is not encoded any more (ns)", GST_SECOND,
             3600 * GST_SECOND, defaults.idle_ns);
  std::string encoders = "Encoder of the video rungs: auto (the first that is installed)";
  for (const std::string& name : encoder_names()) encoders += ", " + name;
  // GObject keeps static strings; the class lives as long as the process.
  install_text(klass, kEncoder, "encoder", "Encoder", g_intern_string(encoders.c_str()),
               defaults.encoder.encoder.c_str());
  install_text(klass, kEncoderPreset, "encoder-preset", "Encoder preset", "Speed preset of x264enc",
               defaults.encoder.preset.c_str());
  g_object_class_install_property(
      klass, kEncoderThreads,
      g_param_spec_uint("encoder-threads", "Encoder threads", "Threads of each video encoder. 0: it chooses",
                        0, 128, defaults.encoder.threads, kReadWrite));
  install_text(klass, kEncoderOptions, "encoder-options", "Encoder options",
               "More options of x264enc, as its option-string has them (\"bframes=0:rc-lookahead=5\")");
  install_ns(klass, kEncoderTimeout, "encoder-timeout", "Encoder timeout",
             "A video encoder from which nothing comes for so long, while it is given pictures, is started "
             "again, and when that does not help gives way to the next that is installed (ns)",
             100 * GST_MSECOND, 60 * GST_SECOND, static_cast<uint64_t>(defaults.encoder.silence_ns));
  g_object_class_install_property(
      klass, kLoudness,
      g_param_spec_double(
          "loudness", "Loudness",
          "Loudness that audio rungs are brought to slowly (EBU R128, LUFS: -23 for "
          "broadcasting, -16 for listeners on the move), with true peaks of at most -1 dBTP. 0: "
          "left alone",
          -60, 0, defaults.loudness, kReadWrite));
  g_object_class_install_property(
      klass, kStats,
      g_param_spec_boxed("stats", "Stats", "What the ladder does (docs/elements.md)", GST_TYPE_STRUCTURE,
                         kReadOnly));
}

}  // namespace

void install_properties(GObjectClass* klass) {
  const Settings defaults;
  install_text(
      klass, kLocation, "location", "Location",
      "Folder for index.m3u8, media.m3u8 and the media of encoded pads. Not set: nothing is written");
  install_text(klass, kUriPrefix, "uri-prefix", "URI prefix",
               "Put before the names of media files in the playlist");
  install_ns(klass, kPlaylistLength, "playlist-length", "Playlist length",
             "Length of the live playlist (ns); media of encoded pads is removed some time after "
             "it has left the playlist. 0: everything is listed and kept",
             0, 24 * 3600 * GST_SECOND, defaults.playlist_ns);
  install_ns(klass, kPartDuration, "part-duration", "Part duration", "Target duration of a part (ns)",
             100 * GST_MSECOND, 10 * GST_SECOND, defaults.part_ns);
  install_ns(klass, kSegmentDuration, "segment-duration", "Segment duration",
             "Shortest duration of a segment, which ends at the next key frame (ns)", 500 * GST_MSECOND,
             30 * GST_SECOND, defaults.segment_ns);
  install_ns(
      klass, kMaxSegmentDuration, "max-segment-duration", "Longest segment duration",
      "Longest duration of a segment (ns). 0: twice the shortest. Beside records: what their writer has", 0,
      120 * GST_SECOND, defaults.max_segment_ns);
  install_ladder(klass, defaults);
}

bool set_setting(Settings& settings, guint id, const GValue* value) {
  switch (id) {
    case kLocation:
      settings.location = string_of(value);
      return true;
    case kUriPrefix:
      settings.uri_prefix = string_of(value);
      return true;
    case kPlaylistLength:
      settings.playlist_ns = g_value_get_uint64(value);
      return true;
    case kPartDuration:
      settings.part_ns = g_value_get_uint64(value);
      return true;
    case kSegmentDuration:
      settings.segment_ns = g_value_get_uint64(value);
      return true;
    case kMaxSegmentDuration:
      settings.max_segment_ns = g_value_get_uint64(value);
      return true;
    case kRungs:
      settings.rungs = string_of(value);
      return true;
    case kActiveRungs:
      settings.active_rungs = string_of(value);
      return true;
    case kRoot:
      settings.root = string_of(value);
      return true;
    case kNode:
      settings.node = string_of(value);
      return true;
    case kRetention:
      settings.keep_ns = g_value_get_uint64(value);
      return true;
    case kOnDemand:
      settings.on_demand = g_value_get_boolean(value) == TRUE;
      return true;
    case kIdleTimeout:
      settings.idle_ns = g_value_get_uint64(value);
      return true;
    case kEncoder:
      settings.encoder.encoder = string_of(value);
      return true;
    case kEncoderPreset:
      settings.encoder.preset = string_of(value);
      return true;
    case kEncoderThreads:
      settings.encoder.threads = g_value_get_uint(value);
      return true;
    case kEncoderOptions:
      settings.encoder.options = string_of(value);
      return true;
    case kLoudness:
      settings.loudness = g_value_get_double(value);
      return true;
    case kEncoderTimeout:
      settings.encoder.silence_ns = static_cast<int64_t>(g_value_get_uint64(value));
      return true;
    default:
      return false;
  }
}

bool get_setting(const Settings& settings, guint id, GValue* value) {
  switch (id) {
    case kLocation:
      set_string(value, settings.location);
      return true;
    case kUriPrefix:
      set_string(value, settings.uri_prefix);
      return true;
    case kPlaylistLength:
      g_value_set_uint64(value, settings.playlist_ns);
      return true;
    case kPartDuration:
      g_value_set_uint64(value, settings.part_ns);
      return true;
    case kSegmentDuration:
      g_value_set_uint64(value, settings.segment_ns);
      return true;
    case kMaxSegmentDuration:
      g_value_set_uint64(value, settings.max_segment_ns);
      return true;
    case kRungs:
      set_string(value, settings.rungs);
      return true;
    case kActiveRungs:
      set_string(value, settings.active_rungs);
      return true;
    case kRoot:
      set_string(value, settings.root);
      return true;
    case kNode:
      set_string(value, settings.node);
      return true;
    case kRetention:
      g_value_set_uint64(value, settings.keep_ns);
      return true;
    case kOnDemand:
      g_value_set_boolean(value, settings.on_demand);
      return true;
    case kIdleTimeout:
      g_value_set_uint64(value, settings.idle_ns);
      return true;
    case kEncoder:
      set_string(value, settings.encoder.encoder);
      return true;
    case kEncoderPreset:
      set_string(value, settings.encoder.preset);
      return true;
    case kEncoderThreads:
      g_value_set_uint(value, settings.encoder.threads);
      return true;
    case kEncoderOptions:
      set_string(value, settings.encoder.options);
      return true;
    case kLoudness:
      g_value_set_double(value, settings.loudness);
      return true;
    case kEncoderTimeout:
      g_value_set_uint64(value, static_cast<uint64_t>(settings.encoder.silence_ns));
      return true;
    default:
      return false;
  }
}

std::optional<std::set<std::string>> active_rungs(const std::string& text) {
  if (text.empty() || text == "all") return std::nullopt;
  std::set<std::string> names;
  if (text == "none") return names;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) names.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

}  // namespace headgate::abrhlssink
