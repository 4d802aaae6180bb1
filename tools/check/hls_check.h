// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole HLS presentation: its multivariant playlist, if there is one, and all media playlists side by side.
#pragma once

#include <check/media_watch.h>

namespace headgate::check {

class HlsCheck {
 public:
  HlsCheck(Run& run, const Options& options) : run_(run), options_(options) {}

  void start();
  // At the end: what only the whole tells.
  void conclude();
  std::vector<std::string> rows() const;
  std::string unreachable() const { return unreachable_; }
  std::string json() const;  // an array of the playlists

 private:
  struct Promise {  // a rendition report that a later reading has to keep
    std::string from;
    conformance::MediaPlaylist::Position position;
    int64_t made_us = 0;
  };
  void answered(const Answer& answer);
  void choose(const conformance::MultivariantPlaylist& all);
  MediaWatch* watch(const std::string& uri, bool iframes);
  MediaWatch* find(const std::string& uri) const;
  void on_reading(MediaWatch& watch);
  void see_end();
  void check_reports(const MediaWatch& watch);
  void check_report(const MediaWatch& from, const conformance::RenditionReport& report,
                    const MediaWatch& about);
  void keep_promises(const MediaWatch& watch);

  Run& run_;
  Options options_;
  std::string base_, unreachable_;
  bool ending_ = false;
  std::optional<conformance::MultivariantPlaylist> multivariant_;  // with those variants that are looked at
  std::vector<std::unique_ptr<MediaWatch>> watches_;
  std::map<const MediaWatch*, Promise> promises_;
};

}  // namespace headgate::check
