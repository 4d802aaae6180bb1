// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <conformance/playlist_rules.h>

namespace headgate::conformance {
namespace {

using Playlist = MultivariantPlaylist;

std::string named(const Variant& variant) {
  return "the variant " + variant.uri;
}

bool may_have_video(const Variant& variant) {
  if (variant.codecs.empty()) return true;
  return std::any_of(variant.codecs.begin(), variant.codecs.end(), [](const std::string& codec) {
    for (std::string_view sound : {"mp4a", "ac-3", "ec-3", "Opus", "opus", "fLaC", "alac", "mp3", "ac-4"})
      if (codec.substr(0, sound.size()) == sound) return false;
    return codec.substr(0, 4) != "stpp" && codec.substr(0, 4) != "wvtt";
  });
}

void version(const Playlist& playlist, Findings& findings) {
  if (playlist.version < playlist.needed_version)
    add(findings, "version-low", 0,
        "it is " + std::to_string(playlist.version) + ", " + playlist.needs_version_for + " needs " +
            std::to_string(playlist.needed_version));
}

void attributes(const Playlist& playlist, Findings& findings) {
  for (const Variant& variant : playlist.variants) {
    if (variant.codecs.empty()) add(findings, "codecs-absent", variant.line, named(variant) + " has none");
    if (!may_have_video(variant)) continue;
    if (!variant.resolution) add(findings, "resolution-absent", variant.line, named(variant) + " has none");
    if (!variant.frame_rate && !variant.iframes)
      add(findings, "frame-rate-absent", variant.line, named(variant) + " has none");
  }
}

void groups_exist(const Playlist& playlist, Findings& findings) {
  std::set<std::pair<std::string, std::string>> groups;
  for (const Rendition& one : playlist.renditions) groups.emplace(one.type, one.group);
  for (const Variant& variant : playlist.variants) {
    const std::pair<const char*, const std::optional<std::string>&> named_groups[] = {
        {"AUDIO", variant.audio},
        {"VIDEO", variant.video},
        {"SUBTITLES", variant.subtitles},
        {"CLOSED-CAPTIONS", variant.captions}};
    for (const auto& [type, group] : named_groups)
      if (group && !groups.contains({type, *group}))
        add(findings, "group-absent", variant.line,
            named(variant) + " names the group " + *group +
                ", and there is no EXT-X-MEDIA of it with TYPE=" + type);
  }
}

void groups_alike(const Playlist& playlist, Findings& findings) {
  using Member = std::tuple<std::string, std::string, bool>;  // name, language, default
  std::map<std::string, std::map<std::string, std::set<Member>>> types;
  std::set<std::tuple<std::string, std::string, std::string>> names;
  std::set<std::pair<std::string, std::string>> defaults;
  for (const Rendition& one : playlist.renditions) {
    types[one.type][one.group].emplace(one.name, one.language, one.is_default);
    if (!names.emplace(one.type, one.group, one.name).second)
      add(findings, "group-name", one.line, "the group " + one.group + " has a second '" + one.name + "'");
    if (one.is_default && !defaults.emplace(one.type, one.group).second)
      add(findings, "group-default", one.line, "the group " + one.group + " has a second default");
  }
  for (const auto& [type, groups] : types)
    for (const auto& [group, members] : groups)
      if (members != groups.begin()->second)
        add(findings, "group-members", 0,
            "the groups " + groups.begin()->first + " and " + group + " of TYPE=" + type +
                " have different members");
}

void renditions(const Playlist& playlist, Findings& findings) {
  for (const Rendition& one : playlist.renditions) {
    const std::string name = "'" + one.name + "'";
    const bool captions = one.type == "CLOSED-CAPTIONS";
    if (one.is_default && one.autoselect == false)
      add(findings, "media-autoselect", one.line, name + " has DEFAULT=YES and AUTOSELECT=NO");
    if (captions && one.uri) add(findings, "media-uri", one.line, name + " has a URI");
    if (one.type == "SUBTITLES" && !one.uri) add(findings, "media-uri", one.line, name + " has no URI");
    if (one.forced && one.type != "SUBTITLES")
      add(findings, "media-attributes", one.line, name + " has FORCED");
    if (one.audio_only_attributes && one.type != "AUDIO")
      add(findings, "media-attributes", one.line, name + " has an attribute of AUDIO");
    if (captions && !one.instream_id)
      add(findings, "media-attributes", one.line, name + " has no INSTREAM-ID");
    if (one.type == "AUDIO" && !one.channels) add(findings, "media-channels", one.line, name + " has none");
  }
}

void captions(const Playlist& playlist, Findings& findings) {
  size_t none = 0, regular = 0;
  for (const Variant& variant : playlist.variants) {
    none += variant.captions_none ? 1 : 0;
    regular += variant.iframes ? 0 : 1;
  }
  if (none > 0 && none != regular)
    add(findings, "captions-none", 0,
        std::to_string(none) + " of " + std::to_string(regular) + " variants have it");
}

}  // namespace

Findings check_multivariant_playlist(const MultivariantPlaylist& playlist) {
  Findings findings;
  for (auto* rule : {version, attributes, groups_exist, groups_alike, renditions, captions})
    rule(playlist, findings);
  if (findings.size() > kMaxFindings) findings.resize(kMaxFindings);
  return findings;
}

}  // namespace headgate::conformance
