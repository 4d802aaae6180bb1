// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/answer_rules.h>
#include <check/hls_check.h>
#include <check/url.h>

#include <algorithm>

#include <conformance/playlist_rules.h>

namespace headgate::check {

using conformance::Findings;
using conformance::MediaPlaylist;
using conformance::Member;
using conformance::MultivariantPlaylist;
using conformance::Rendition;
using conformance::Variant;

void HlsCheck::start() {
  run_.client().get(options_.url, "", [this](const Answer& answer) { answered(answer); });
}

void HlsCheck::answered(const Answer& answer) {
  if (answer.status != 200) {
    unreachable_ = answer.problem();
    return run_.end();
  }
  base_ = answer.url;
  conformance::Parsed parsed = conformance::parse_playlist(as_text(answer.body));
  if (parsed.media) {
    watch(base_, parsed.media->iframes_only);
  } else if (parsed.multivariant && !parsed.multivariant->variants.empty()) {
    run_.found("multivariant", check_playlist_answer(answer));
    run_.found("multivariant", parsed.findings);
    run_.found("multivariant", check_multivariant_playlist(*parsed.multivariant));
    choose(*parsed.multivariant);
  } else {
    run_.found("multivariant", parsed.findings);
    unreachable_ = "this is no playlist";
    return run_.end();
  }
  for (const auto& one : watches_) one->start();
}

// Those variants that are wanted, with their renditions.
void HlsCheck::choose(const MultivariantPlaylist& all) {
  multivariant_ = all;
  auto& variants = multivariant_->variants;
  if (options_.variants > 0 && variants.size() > static_cast<size_t>(options_.variants))
    variants.resize(static_cast<size_t>(options_.variants));
  for (const Variant& variant : variants) {
    watch(variant.uri, variant.iframes);
    for (const Rendition& one : all.renditions) {
      const bool named = (one.type == "AUDIO" && variant.audio == one.group) ||
                         (one.type == "VIDEO" && variant.video == one.group);
      if (named && one.uri) watch(*one.uri, variant.iframes);
    }
  }
}

MediaWatch* HlsCheck::find(const std::string& uri) const {
  const auto url = resolve(base_, uri);
  auto found = std::find_if(watches_.begin(), watches_.end(),
                            [&](const auto& one) { return url && one->url() == *url; });
  return found == watches_.end() ? nullptr : found->get();
}

MediaWatch* HlsCheck::watch(const std::string& uri, bool iframes) {
  if (MediaWatch* known = find(uri)) return known;
  const auto url = resolve(base_, uri);
  if (!url) return nullptr;
  const std::string where = uri == base_ ? without_query(uri).substr(uri.rfind('/') + 1) : uri;
  watches_.push_back(
      std::make_unique<MediaWatch>(run_, where, *url, iframes, [this](MediaWatch& one) { on_reading(one); }));
  return watches_.back().get();
}

void HlsCheck::on_reading(MediaWatch& watch) {
  if (watch.read()) {
    for (const auto& other : watches_)
      if (other.get() != &watch && other->read())
        run_.found("among variants", compare_playlists(watch.member(), other->member()));
    keep_promises(watch);
    check_reports(watch);
  }
  see_end();
}

// Over when all have ended and everything is loaded; the last of that comes without a reading.
void HlsCheck::see_end() {
  const auto all = [this](auto holds) { return std::all_of(watches_.begin(), watches_.end(), holds); };
  if (all([](const auto& one) { return one->finished(); })) {
    if (all([](const auto& one) { return !one->read(); })) unreachable_ = watches_.front()->problem();
    return run_.end();
  }
  if (ending_ || !all([](const auto& one) { return one->over(); })) return;
  ending_ = true;
  run_.after(kRetryUs, [this] {
    ending_ = false;
    see_end();
  });
}

void HlsCheck::check_reports(const MediaWatch& watch) {
  const MediaPlaylist& playlist = *watch.member().playlist;
  std::set<const MediaWatch*> reported;
  for (const conformance::RenditionReport& report : playlist.reports) {
    const auto url = resolve(watch.url(), report.uri);
    for (const auto& other : watches_) {
      if (!url || without_query(other->url()) != without_query(*url) || other.get() == &watch) continue;
      reported.insert(other.get());
      if (other->read()) check_report(watch, report, *other);
    }
  }
  // Of what has ended there is nothing to be told: nobody asks for its next part.
  if (!playlist.has_parts() || playlist.iframes_only || playlist.ended) return;
  Findings findings;
  for (const auto& other : watches_)
    if (other.get() != &watch && !other->iframes() && other->read() && !reported.contains(other.get()))
      add(findings, "report-missing", 0, "there is none of " + other->where());
  run_.found(watch.where(), findings);
}

void HlsCheck::check_report(const MediaWatch& from, const conformance::RenditionReport& report,
                            const MediaWatch& about) {
  const Member mine = from.member(), other = about.member();
  const auto own = mine.playlist->last(), is = other.playlist->last();
  if (!own || !is || other.playlist->ended) return;
  // What is left out is the same as in the playlist that the report stands in (4.4.5.4), or there is no part:
  // the segment came without.
  MediaPlaylist::Position said{report.msn.value_or(own->msn), std::nullopt};
  if (is->part) said.part = report.part ? report.part : said.msn == own->msn ? own->part : std::nullopt;
  if (other.time.loaded <= mine.time.asked && said < *is) {
    Findings findings;
    add(findings, "report-wrong", report.line,
        report.uri + " is at segment " + std::to_string(is->msn) + ", the report says " +
            std::to_string(said.msn));
    run_.found(from.where(), findings);
  }
  promises_[&about] = {from.where(), said, mine.time.loaded};
}

void HlsCheck::keep_promises(const MediaWatch& watch) {
  auto promise = promises_.find(&watch);
  const Member now = watch.member();
  if (promise == promises_.end() || now.time.asked < promise->second.made_us) return;
  const auto is = now.playlist->last();
  if (is && *is < promise->second.position) {
    Findings findings;
    add(findings, "report-wrong", 0,
        watch.where() + " is at segment " + std::to_string(is->msn) + ", the report said " +
            std::to_string(promise->second.position.msn) + " before");
    run_.found(promise->second.from, findings);
  }
  promises_.erase(promise);
}

void HlsCheck::conclude() {
  for (size_t i = 0; i < watches_.size(); ++i)
    for (size_t j = i + 1; j < watches_.size(); ++j) {
      const MediaWatch &one = *watches_[i], &other = *watches_[j];
      if (one.read() && other.read() && !one.iframes() && !other.iframes())
        run_.found("among variants", compare_media(one.member(), other.member()));
    }
  if (!multivariant_) return;
  for (const Variant& variant : multivariant_->variants) {
    const MediaWatch* own = find(variant.uri);
    if (!own || !own->read()) continue;
    std::vector<std::vector<Member>> groups;
    bool complete = !own->member().media->codecs().empty();
    for (const auto& [type, name] : {std::pair("AUDIO", variant.audio), std::pair("VIDEO", variant.video)}) {
      std::vector<Member> members;
      for (const Rendition& one : multivariant_->renditions) {
        if (!name || one.type != type || one.group != *name || !one.uri) continue;
        const MediaWatch* rendition = find(*one.uri);
        // One that is the variant's own playlist comes on top of nothing.
        if (rendition == own) continue;
        if (rendition && rendition->read()) members.push_back(rendition->member());
        complete = complete && rendition && rendition->read() && !rendition->member().media->codecs().empty();
      }
      groups.push_back(std::move(members));
    }
    complete = complete && !variant.subtitles;
    run_.found("multivariant", check_variant(variant, own->member(), groups, complete));
  }
}

std::vector<std::string> HlsCheck::rows() const {
  constexpr size_t kRows = 16;
  std::vector<std::string> out;
  for (const auto& one : watches_)
    if (out.size() < kRows) out.push_back(one->row());
  return out;
}

std::string HlsCheck::json() const {
  std::string out = "[";
  for (const auto& one : watches_) out += (out.size() > 1 ? "," : "") + one->json();
  return out + "]";
}

}  // namespace headgate::check
