// SPDX-License-Identifier: LGPL-2.1-or-later
// The encoders that a rung can have, in a table, and what is set on each so that they do the same: a constant
// bit rate over a buffer of one second, key frames where they are asked for and nowhere else.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>
#include <vector>

#include <base/result.h>

#include "common/ref.h"

namespace headgate::abrhlssink {

// An encoder that fails is started again, of video at the next segment, of sound after kSoundRetryNs; after
// so many times in a row no more.
inline constexpr unsigned kMaxEncoderFailures = 5;
inline constexpr int64_t kSoundRetryNs = 2'000'000'000;  // of media

struct EncoderSettings {
  std::string encoder = "auto";     // an element's name; auto: the first of the table that is installed
  std::string preset = "veryfast";  // of x264enc
  unsigned threads = 0;             // of an encoder; 0: it chooses
  std::string options;              // of x264enc: more, as its option-string has them
};

struct Encoder {
  std::vector<gst::Ref<GstElement>> elements;  // the encoder first
  gst::Ref<GstCaps> out_caps;                  // what comes out: H.264 as MP4 has it
  // It has copied a picture when it takes it, though it holds on to its buffer.
  bool copies = false;
};

// Names in the order in which "auto" tries them.
std::vector<std::string> encoder_names();
// A new one. Error: it is none of the table, or not installed (which package it is in).
Result<Encoder> make_video_encoder(const EncoderSettings& settings, uint32_t kbps);

// CODECS of what such an encoder gives, before it has given anything; empty: not known. The parameter sets
// say it better once they are there.
std::string expected_codecs(const EncoderSettings& settings, uint32_t width, uint32_t height,
                            uint32_t rate_over, uint32_t rate_under, uint32_t kbps);

struct AudioEncoder {
  std::vector<gst::Ref<GstElement>> elements;  // from raw audio; the encoder and what has to be before it
  gst::Ref<GstCaps> out_caps;                  // AAC as MP4 has it
  uint32_t delay = 0;                          // samples that its output is behind its input
};
Result<AudioEncoder> make_audio_encoder(uint32_t kbps);

// The decoder of the highest rank that takes these caps and gives pictures (or sound) in plain memory.
Result<gst::Ref<GstElement>> make_decoder(GstCaps* caps, bool video);

}  // namespace headgate::abrhlssink
