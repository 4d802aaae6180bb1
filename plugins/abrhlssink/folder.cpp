// SPDX-License-Identifier: LGPL-2.1-or-later
#include "folder.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <playlist/multivariant.h>

namespace headgate::abrhlssink {

namespace {

// Nothing of the timeline is in a file.
constexpr char kNoInit[] = "timeline";

}  // namespace

Folder::Folder(FolderSettings settings)
    : settings_(std::move(settings)),
      source_({.window_ms = settings_.publish.window_ms}),
      source_out_(settings_.publish),
      timeline_({.window_ms = settings_.publish.window_ms}) {}

Folder::Rendition& Folder::rendition(const std::string& name) {
  const auto found = renditions_.find(name);
  if (found != renditions_.end()) return found->second;
  PublishSettings settings = settings_.publish;
  settings.media_name = name + ".m3u8";
  settings.own_media = settings_.own_renditions;
  playlist::RenditionIndex index({.window_ms = settings.window_ms});
  index.follow(timeline_);
  return renditions_.emplace(name, Rendition{std::move(index), Publisher(std::move(settings))}).first->second;
}

Result<void> Folder::add(const std::string& name, const playlist::Record& record) {
  if (name.empty()) {
    source_.add(record);
    follow(record);
    return source_out_.note(record, source_);
  }
  Rendition& one = rendition(name);
  one.index.add(record, timeline_);
  return one.out.note(record, one.index.index());
}

void Folder::follow(const playlist::Record& record) {
  if (const auto* run = std::get_if<playlist::RunRecord>(&record)) {
    playlist::RunRecord next = *run;
    char name[24];
    std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(++runs_));
    next.run = name;
    next.max_part_ms = 0;
    timeline_.add(next);
    playlist::InitRecord init;
    init.id = kNoInit;
    timeline_.add(init);
  } else if (const auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
    playlist::SegmentRecord next = *segment;
    next.init_id = kNoInit;
    next.file.clear();
    timeline_.add(next);
  } else if (std::holds_alternative<playlist::EndRecord>(record)) {
    timeline_.add(record);
  } else {
    return;
  }
  for (auto& [name, one] : renditions_) one.index.follow(timeline_);
}

Result<void> Folder::publish(bool ended) {
  if (settings_.publish.location.empty()) return {};
  // The media playlists first: whoever finds index.m3u8 finds what it names.
  if (auto done = source_out_.publish(source_, ended); !done) return done;
  for (auto& [name, one] : renditions_)
    if (one.is_listed())
      if (auto done = one.out.publish(one.index.index(), ended); !done) return done;
  if (published_.empty() && !ended && awaits_any()) return {};
  std::string text = multivariant(ended);
  if (text.empty() || text == published_) return {};
  if (auto done = replace_text(settings_.publish.location + "/index.m3u8", text); !done) return done;
  published_ = std::move(text);
  return {};
}

// Those that are not encoded now are not.
bool Folder::awaits_any() const {
  if (timeline_.segments().size() >= kMostAwaited) return false;
  return std::any_of(settings_.expected.begin(), settings_.expected.end(), [this](const std::string& name) {
    const auto found = renditions_.find(name);
    if (found == renditions_.end()) return true;
    const auto& told = found->second.index.told();
    const bool is_encoded = !told || told->state == playlist::RenditionState::running;
    return is_encoded && !found->second.index.has_media();
  });
}

// The source first, then smaller and smaller pictures, then sound alone.
std::string Folder::multivariant(bool ended) const {
  playlist::Multivariant all;
  const auto audio = renditions_.find(settings_.audio);
  if (audio != renditions_.end()) {
    const playlist::StreamIndex& index = audio->second.index.index();
    if (const auto variant = playlist::variant_of(index, settings_.audio + ".m3u8", ended))
      all.audio = playlist::AudioRendition{variant->uri, variant->bandwidth, variant->average_bandwidth,
                                           variant->codecs, index.newest_init()->channels};
  }
  const bool grouped = all.audio.has_value();
  const auto add = [&](std::optional<playlist::Variant> variant, const playlist::StreamIndex& index) {
    if (!variant) return;
    const playlist::InitRecord* const init = index.newest_init();
    variant->takes_audio = grouped && variant->width > 0 && (!init || init->channels == 0);
    all.variants.push_back(std::move(*variant));
  };
  for (const auto& [name, one] : renditions_)
    if (one.is_listed()) add(playlist::variant_of(one.index, name + ".m3u8", ended), one.index.index());
  std::sort(all.variants.begin(), all.variants.end(), [](const auto& a, const auto& b) {
    return std::pair(b.width * b.height, b.bandwidth) < std::pair(a.width * a.height, a.bandwidth);
  });
  std::vector<playlist::Variant> rest = std::exchange(all.variants, {});
  add(playlist::variant_of(source_, settings_.publish.media_name, ended), source_);
  all.variants.insert(all.variants.end(), rest.begin(), rest.end());
  return playlist::multivariant_playlist(all);
}

}  // namespace headgate::abrhlssink
