// SPDX-License-Identifier: LGPL-2.1-or-later
#include "folder.h"

#include <algorithm>
#include <utility>

#include <playlist/multivariant.h>

namespace headgate::abrhlssink {

Folder::Folder(FolderSettings settings) : settings_(std::move(settings)), source_(settings_.publish) {}

Publisher* Folder::rendition(const std::string& name) {
  std::unique_ptr<Publisher>& publisher = renditions_[name];
  if (!publisher) {
    PublishSettings settings = settings_.publish;
    settings.media_name = name + ".m3u8";
    settings.own_media = settings_.own_renditions;
    publisher = std::make_unique<Publisher>(std::move(settings));
  }
  return publisher.get();
}

Result<void> Folder::add(const std::string& name, const playlist::Record& record) {
  if (name.empty()) return source_.add(record);
  return rendition(name)->add(record);
}

Result<void> Folder::publish(bool ended) {
  if (settings_.publish.location.empty()) return {};
  // The media playlists first: whoever finds index.m3u8 finds what it names.
  if (auto done = source_.publish(ended); !done) return done;
  for (auto& [name, publisher] : renditions_)
    if (auto done = publisher->publish(ended); !done) return done;
  std::string text = multivariant();
  if (text.empty() || text == published_) return {};
  if (auto done = replace_text(settings_.publish.location + "/index.m3u8", text); !done) return done;
  published_ = std::move(text);
  return {};
}

// The source first, then smaller and smaller pictures, then sound alone.
std::string Folder::multivariant() const {
  playlist::Multivariant all;
  const auto audio = renditions_.find(settings_.audio);
  if (audio != renditions_.end()) {
    const playlist::StreamIndex& index = audio->second->index();
    if (const auto variant = playlist::variant_of(index, settings_.audio + ".m3u8"))
      all.audio = playlist::AudioRendition{variant->uri, variant->bandwidth, variant->average_bandwidth,
                                           variant->codecs, index.newest_init()->channels};
  }
  const bool grouped = all.audio.has_value();
  const auto add = [&](const playlist::StreamIndex& index, const std::string& uri) {
    auto variant = playlist::variant_of(index, uri);
    if (!variant) return;
    variant->takes_audio = grouped && variant->width > 0 && index.newest_init()->channels == 0;
    all.variants.push_back(std::move(*variant));
  };
  for (const auto& [name, publisher] : renditions_) add(publisher->index(), name + ".m3u8");
  std::sort(all.variants.begin(), all.variants.end(), [](const auto& a, const auto& b) {
    return std::pair(b.width * b.height, b.bandwidth) < std::pair(a.width * a.height, a.bandwidth);
  });
  std::vector<playlist::Variant> rest = std::exchange(all.variants, {});
  add(source_.index(), settings_.publish.media_name);
  all.variants.insert(all.variants.end(), rest.begin(), rest.end());
  return playlist::multivariant_playlist(all);
}

}  // namespace headgate::abrhlssink
