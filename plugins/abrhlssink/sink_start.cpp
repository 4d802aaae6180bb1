// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of Sink that makes of settings and pads what runs.
#include <base/io.h>

#include <algorithm>

#include "common/settings.h"
#include "common/trampoline.h"
#include "sink.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

using gst::RecorderSettings;
using gst::Ref;
using gst::trampoline;

namespace {

// Own media is cut into files of this length, so that what left the window can go in small steps.
constexpr int64_t kFileMs = 60'000;

RecorderSettings recorder_settings(const Settings& settings) {
  RecorderSettings result;
  result.volume.root = settings.location;
  result.volume.durable = false;
  result.volume.reserve_bytes = 0;
  result.run.file_ms = kFileMs;
  result.run.frame_index = false;
  result.packager.part_ms = static_cast<int64_t>(settings.part_ns / GST_MSECOND);
  result.packager.segment_ms = static_cast<int64_t>(settings.segment_ns / GST_MSECOND);
  result.packager.max_segment_ms = static_cast<int64_t>(settings.longest_segment_ns() / GST_MSECOND);
  result.fallback.claim = "unverified";
  return result;
}

// What the recorder of the encoded pads needs where records say what was written: nothing is, but its volume
// has to lie somewhere.
RecorderSettings idle_recorder_settings(const Settings& settings) {
  RecorderSettings result = recorder_settings(settings);
  result.volume.root =
      (settings.root.empty() ? settings.location : settings.root) + "/" + store::kDerivedFolder;
  return result;
}

std::string first_audio(const std::string& rungs) {
  if (const auto parsed = ladder::parse_rungs(rungs))
    for (const ladder::Rung& rung : *parsed)
      if (rung.is_audio()) return rung.name;
  return {};
}

}  // namespace

// Raw input is nowhere but in rungs.
Result<void> Sink::all_encoded(const std::vector<ladder::Rung>& rungs) const {
  const auto lacks = [&](codec::Kind kind) {
    return raw_.has_pad(kind) && std::none_of(rungs.begin(), rungs.end(), [kind](const ladder::Rung& rung) {
             return rung.is_audio() == (kind == codec::Kind::audio);
           });
  };
  if (lacks(codec::Kind::audio))
    return Unexpected("raw sound needs a rung: add audio@128k to the property rungs");
  if (lacks(codec::Kind::video))
    return Unexpected("raw pictures need a rung: add 720p@2500k to the property rungs");
  return {};
}

Result<void> Sink::start_ladder(const Settings& settings, bool own_media) {
  auto rungs = ladder::parse_rungs(settings.rungs);
  if (!rungs) return Unexpected(rungs.error());
  const bool raw = raw_.has_pads();
  if (raw && rungs->empty()) return Unexpected("of raw input a ladder is made: set the property rungs");
  if (auto all = all_encoded(*rungs); !all) return all;
  // Without the source's frames they are read from its files, where `root` says that these are.
  const bool from_files = !raw && !input_.has_pads() && records_.get() && !settings.root.empty();
  if (rungs->empty() || !(raw || input_.has_pads() || from_files)) return {};
  LadderSettings ladder;
  ladder.rungs = std::move(rungs).value();
  ladder.encoder = settings.encoder;
  ladder.renditions.root = settings.root.empty() ? settings.location : settings.root;
  ladder.renditions.node = settings.node;
  ladder.renditions.keep_ms = own_media ? 0 : static_cast<int64_t>(settings.keep_ns / GST_MSECOND);
  ladder.loudness = settings.loudness;
  ladder.idle_ns = settings.on_demand ? static_cast<int64_t>(settings.idle_ns) : 0;
  ladder.sound_on_demand = from_files && settings.on_demand;
  ladder.packager = recorder_settings(settings).packager;
  ladder.pictures = !own_media && settings.location.empty();
  ladder.pass_audio = own_media && input_.has_pad(codec::Kind::video);
  if (ladder.renditions.root.empty())
    return Unexpected("rungs need a folder: set the property location, or root beside records");
  // The store's thread opens runs for others, too: what comes of it is written on another.
  const auto wake = [this, weak = std::make_shared<gst::WeakElement>(element_)] {
    if (const Ref<GstElement> held = weak->get())
      gst_element_call_async(held.get(), trampoline<&Sink::on_opened>, this, nullptr);
  };
  auto made = std::make_shared<LadderInput>(
      element_, std::move(ladder),
      [this](std::vector<Renditions::Out>&& outs) { take_renditions(std::move(outs)); }, wake,
      [this](const std::string& rendition) {
        std::lock_guard lock(mutex_);
        if (folder_) folder_->forgo(rendition);
      });
  if (from_files) made->read_from(settings.root);
  made->ladder().activate(active_rungs(settings.active_rungs));
  std::lock_guard lock(mutex_);
  ladder_ = std::move(made);
  return {};
}

// Those that players of the folder are to find; none where there is no ladder.
std::set<std::string> Sink::expected_renditions(const Settings& settings, bool own_media) const {
  std::set<std::string> expected;
  const auto rungs = ladder::parse_rungs(settings.rungs);
  if (!ladder_ || !rungs) return expected;
  const auto kinds = [this](codec::Kind kind) {
    return raw_.has_pads() ? raw_.has_pad(kind) : !input_.has_pads() || input_.has_pad(kind);
  };
  for (const ladder::Rung& rung : *rungs)
    if (kinds(rung.is_audio() ? codec::Kind::audio : codec::Kind::video)) expected.insert(rung.name);
  const bool passes = own_media && input_.has_pad(codec::Kind::video) && input_.has_pad(codec::Kind::audio);
  if (passes) expected.insert(kPassedAudio);
  return expected;
}

void Sink::start_folder(const Settings& settings, bool own_media) {
  FolderSettings folder{.publish = {.location = settings.location,
                                    .uri_prefix = settings.uri_prefix,
                                    .media_name = "media.m3u8",
                                    .window_ms = static_cast<int64_t>(settings.playlist_ns / GST_MSECOND),
                                    .own_media = own_media},
                        .audio = raw_.has_pads() ? first_audio(settings.rungs)
                                 : own_media     ? kPassedAudio
                                                 : "",
                        .own_renditions = !settings.location.empty() && settings.root.empty(),
                        .expected = expected_renditions(settings, own_media)};
  std::lock_guard lock(mutex_);
  folder_ = std::make_unique<Folder>(std::move(folder));
  failing_ = false;
  ends_ = (records_.get() ? 1 : 0) + (input_.has_pads() ? 1 : 0) + (raw_.has_pads() ? 1 : 0);
}

bool Sink::start_input(const Settings& settings, bool own_media) {
  if (raw_.has_pads()) raw_.start(&ladder_->ladder(), recorder_settings(settings).packager);
  if (!input_.has_pads()) return true;
  gst::Recorded recorded;
  if (records_.get()) recorded = {false, false};
  if (ladder_ && own_media && input_.has_pad(codec::Kind::video)) recorded.audio = false;
  auto started = input_.start(own_media ? recorder_settings(settings) : idle_recorder_settings(settings),
                              ladder_.get(), recorded);
  if (started) return true;
  GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_WRITE, ("%s", started.error().message.c_str()), (nullptr));
  return false;
}

bool Sink::start() {
  const Settings now = gst::copy_settings(element_, settings);
  const bool own_media = (input_.has_pads() || raw_.has_pads()) && !records_.get();
  if (now.location.empty() && own_media) {
    GST_ELEMENT_ERROR(element_, RESOURCE, NOT_FOUND,
                      ("No folder for the media of the pads: set the property location."), (nullptr));
    return false;
  }
  if (!now.location.empty()) {
    if (auto made = make_directories(now.location, 0755); !made) {
      GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_WRITE, ("%s", made.error().message.c_str()), (nullptr));
      return false;
    }
  }
  if (auto started = start_ladder(now, own_media); !started) {
    GST_ELEMENT_ERROR(element_, LIBRARY, SETTINGS, ("%s", started.error().message.c_str()), (nullptr));
    return false;
  }
  start_folder(now, own_media);
  return start_input(now, own_media);
}

}  // namespace headgate::abrhlssink
