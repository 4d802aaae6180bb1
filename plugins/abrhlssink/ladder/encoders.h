// SPDX-License-Identifier: LGPL-2.1-or-later
// The encoders that a rung can have, in a table, and what is set on each so that they do the same: a constant
// bit rate over a buffer of one second, key frames where they are asked for and nowhere else.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <base/result.h>

#include "common/ref.h"

namespace headgate::abrhlssink {

// An encoder that fails is started again, of video at the next segment, of sound after kSoundRetryNs; after
// so many times in a row no more: of video the next one of the table takes its place.
inline constexpr unsigned kMaxEncoderFailures = 5;
// Likewise one that hangs (EncoderSettings::silence_ns).
inline constexpr unsigned kMaxEncoderHangs = 2;
// Frames that an encoder may hold before it gives one: x264's longest lookahead and its threads.
inline constexpr unsigned kMostHeldFrames = 300;
inline constexpr int64_t kSoundRetryNs = 2'000'000'000;  // of media

struct EncoderSettings {
  std::string encoder = "auto";     // an element's name; auto: the first of the table that is installed
  std::string preset = "veryfast";  // of x264enc
  unsigned threads = 0;             // of an encoder; 0: it chooses
  std::string options;              // of x264enc: more, as its option-string has them
  // It hangs when nothing comes out of it for so long though it does not take the next picture, or though it
  // took kMostHeldFrames.
  int64_t silence_ns = 10'000'000'000;
};

struct Encoder {
  std::vector<gst::Ref<GstElement>> elements;  // the encoder first
  gst::Ref<GstCaps> out_caps;                  // what comes out: H.264 as MP4 has it
  // It has copied a picture when it takes it, though it holds on to its buffer.
  bool copies = false;
};

// Names in the order in which "auto" tries them.
std::vector<std::string> encoder_names();
// The next one of the table that is installed; `tried` are those that are out of the question.
std::optional<std::string> next_encoder(const std::set<std::string>& tried);
// auto, or one of the table.
bool is_encoder(const std::string& name);
// What "auto" is now; any other name is itself.
std::string encoder_name(const EncoderSettings& settings);
// A new one. Error: it is none of the table, or not installed (which package it is in).
Result<Encoder> make_video_encoder(const EncoderSettings& settings, uint32_t kbps);

// The first four digits of CODECS' avc1 that such an encoder gives; empty: there is none.
std::string expected_profile(const EncoderSettings& settings);
// CODECS of what it gives, before it has given anything, for players that change between rungs of one codec
// only; empty: not known. The parameter sets say it better once they are there.
std::string expected_codecs(const EncoderSettings& settings, uint32_t width, uint32_t height,
                            uint32_t rate_over, uint32_t rate_under, uint32_t kbps);

struct AudioEncoder {
  static constexpr size_t kConvert = 0, kResample = 1;  // places in `elements`
  std::vector<gst::Ref<GstElement>> elements;  // from raw audio; the encoder and what has to be before it
  gst::Ref<GstCaps> out_caps;                  // AAC as MP4 has it
  uint32_t delay = 0;                          // samples that its output is behind its input
};
Result<AudioEncoder> make_audio_encoder(uint32_t kbps);

// The decoder of the highest rank that takes these caps and gives pictures (or sound) in plain memory. Of raw
// caps: what makes one format of another.
Result<gst::Ref<GstElement>> make_decoder(GstCaps* caps, bool video);
bool is_raw(GstCaps* caps);
// Makes whole pictures of interlaced ones, one of each two fields, and leaves others alone. Empty: it is not
// installed.
gst::Ref<GstElement> make_deinterlacer();

}  // namespace headgate::abrhlssink
