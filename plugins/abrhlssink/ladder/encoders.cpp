// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/encoders.h"

#include <algorithm>
#include <array>

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

constexpr char kAvc[] = "video/x-h264, stream-format = (string) avc, alignment = (string) au";
constexpr char kAac[] = "audio/mpeg, mpegversion = (int) 4, stream-format = (string) raw";
// Frames between key frames that nobody asked for: never, as far as any encoder lets one say so.
constexpr guint kNoKeyFrames = 36'000;
constexpr guint kVbvMs = 1000;

Ref<GstElement> make(const char* name) {
  GstElement* const element = gst_element_factory_make(name, nullptr);
  return element ? Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(element))) : Ref<GstElement>();
}

// Sets a property that this version may not have, from text as gst-launch does.
void set(GstElement* element, const char* name, const std::string& value) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), name))
    gst_util_set_object_arg(G_OBJECT(element), name, value.c_str());
}

void set_x264(GstElement* element, const EncoderSettings& settings, uint32_t kbps) {
  set(element, "speed-preset", settings.preset);
  set(element, "bitrate", std::to_string(kbps));
  set(element, "vbv-buf-capacity", std::to_string(kVbvMs));
  set(element, "key-int-max", std::to_string(kNoKeyFrames));
  set(element, "threads", std::to_string(settings.threads));
  set(element, "aud", "false");  // MP4 has boundaries of its own
  std::string options = "scenecut=0";
  if (!settings.options.empty()) options += ":" + settings.options;
  set(element, "option-string", options);
}

void set_openh264(GstElement* element, const EncoderSettings& settings, uint32_t kbps) {
  set(element, "rate-control", "bitrate");
  set(element, "bitrate", std::to_string(kbps * 1000));
  set(element, "max-bitrate", std::to_string(kbps * 1000));
  set(element, "gop-size", std::to_string(kNoKeyFrames));
  set(element, "scene-change-detection", "false");
  set(element, "multi-thread", std::to_string(settings.threads));
}

void set_va(GstElement* element, const EncoderSettings&, uint32_t kbps) {
  set(element, "rate-control", "cbr");
  set(element, "bitrate", std::to_string(kbps));
  set(element, "cpb-size", std::to_string(kbps * kVbvMs / 1000));
  set(element, "key-int-max", "1024");
}

void set_nv(GstElement* element, const EncoderSettings&, uint32_t kbps) {
  set(element, "rc-mode", "cbr");
  set(element, "bitrate", std::to_string(kbps));
  set(element, "vbv-buffer-size", std::to_string(kbps * kVbvMs / 1000));
  set(element, "gop-size", "-1");
  set(element, "preset", "low-latency-hq");
}

constexpr char kHigh[] = "6400", kConstrainedBaseline[] = "42c0";

struct Known {
  const char* name;
  void (*set)(GstElement*, const EncoderSettings&, uint32_t kbps);
  bool needs_parser;   // gives a byte stream
  bool copies;         // Encoder::copies
  const char* before;  // an element that it needs in front, or none
  const char* package;
  const char* profile;  // that it takes by itself: profile_idc and constraints of avc1 (RFC 6381, 3.3)
};
constexpr std::array kVideo = {
    Known{"x264enc", set_x264, false, true, nullptr, "gst-plugins-ugly", kHigh},
    Known{"openh264enc", set_openh264, true, false, nullptr, "gst-plugins-bad", kConstrainedBaseline},
    Known{"vah264enc", set_va, true, false, "vapostproc", "gst-plugins-bad", kHigh},
    Known{"nvh264enc", set_nv, true, false, nullptr, "gst-plugins-bad", kHigh},
};

struct KnownAudio {
  const char* name;
  uint32_t delay;
};
constexpr std::array kAudio = {KnownAudio{"fdkaacenc", 2048}, KnownAudio{"avenc_aac", 1024},
                               KnownAudio{"voaacenc", 1600}};

bool in_plain_memory(GstElementFactory* factory, bool video) {
  const Ref<GstCaps> raw =
      Ref<GstCaps>::adopt(gst_caps_new_empty_simple(video ? "video/x-raw" : "audio/x-raw"));
  return gst_element_factory_can_src_any_caps(factory, raw.get());
}

}  // namespace

std::vector<std::string> encoder_names() {
  std::vector<std::string> names;
  for (const Known& known : kVideo) names.emplace_back(known.name);
  return names;
}

std::optional<std::string> next_encoder(const std::set<std::string>& tried) {
  for (const Known& known : kVideo) {
    if (tried.count(known.name) != 0) continue;
    const auto factory = Ref<GstElementFactory>::adopt(gst_element_factory_find(known.name));
    if (factory) return known.name;
  }
  return std::nullopt;
}

bool is_encoder(const std::string& name) {
  return name == "auto" ||
         std::any_of(kVideo.begin(), kVideo.end(), [&](const Known& known) { return known.name == name; });
}

std::string expected_profile(const EncoderSettings& settings) {
  const std::string name = encoder_name(settings);
  const auto known =
      std::find_if(kVideo.begin(), kVideo.end(), [&](const Known& one) { return one.name == name; });
  if (known == kVideo.end()) return {};
  // x264's fastest preset leaves out what makes Main or High of it.
  return name == "x264enc" && settings.preset == "ultrafast" ? kConstrainedBaseline : known->profile;
}

std::string encoder_name(const EncoderSettings& settings) {
  return settings.encoder == "auto" ? next_encoder({}).value_or("auto") : settings.encoder;
}

Result<Encoder> make_video_encoder(const EncoderSettings& settings, uint32_t kbps) {
  std::string missing;
  for (const Known& known : kVideo) {
    if (settings.encoder != "auto" && settings.encoder != known.name) continue;
    Ref<GstElement> element = make(known.name);
    Ref<GstElement> before = known.before ? make(known.before) : Ref<GstElement>();
    Ref<GstElement> parser = known.needs_parser ? make("h264parse") : Ref<GstElement>();
    if (!element || (known.before && !before) || (known.needs_parser && !parser)) {
      if (missing.empty())
        missing = std::string(known.name) + " is not installed: it comes with " + known.package;
      continue;
    }
    known.set(element.get(), settings, kbps);
    Encoder encoder;
    encoder.copies = known.copies;
    if (before) encoder.elements.push_back(std::move(before));
    encoder.elements.push_back(std::move(element));
    if (parser) encoder.elements.push_back(std::move(parser));
    encoder.out_caps = Ref<GstCaps>::adopt(gst_caps_from_string(kAvc));
    return encoder;
  }
  if (!missing.empty()) return Unexpected(missing);
  std::string names;
  for (const std::string& name : encoder_names()) names += ", " + name;
  return Unexpected("encoder \"" + settings.encoder + "\" is none of auto" + names);
}

Result<AudioEncoder> make_audio_encoder(uint32_t kbps) {
  Ref<GstElement> convert = make("audioconvert"), resample = make("audioresample"), parser = make("aacparse");
  if (!convert || !resample || !parser)
    return Unexpected("audioconvert, audioresample or aacparse is not installed: gst-plugins-base, -good");
  for (const KnownAudio& known : kAudio) {
    Ref<GstElement> element = make(known.name);
    if (!element) continue;
    set(element.get(), "bitrate", std::to_string(kbps * 1000));
    AudioEncoder encoder;
    encoder.elements = {std::move(convert), std::move(resample), std::move(element), std::move(parser)};
    encoder.out_caps = Ref<GstCaps>::adopt(gst_caps_from_string(kAac));
    encoder.delay = known.delay;
    return encoder;
  }
  return Unexpected("no AAC encoder is installed: avenc_aac comes with gst-libav");
}

bool is_raw(GstCaps* caps) {
  const std::string_view name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  return name == "video/x-raw" || name == "audio/x-raw";
}

Ref<GstElement> make_deinterlacer() {
  Ref<GstElement> element = make("deinterlace");
  if (!element) return {};
  set(element.get(), "mode", "auto");
  set(element.get(), "method", "yadif");
  set(element.get(), "fields", "top");
  return element;
}

Result<Ref<GstElement>> make_decoder(GstCaps* caps, bool video) {
  if (is_raw(caps)) {
    Ref<GstElement> convert = make(video ? "videoconvert" : "audioconvert");
    if (!convert) return Unexpected("videoconvert or audioconvert is not installed: gst-plugins-base");
    return convert;
  }
  const auto type = GST_ELEMENT_FACTORY_TYPE_DECODER |
                    (video ? GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO : GST_ELEMENT_FACTORY_TYPE_MEDIA_AUDIO);
  GList* const all = gst_element_factory_list_get_elements(type, GST_RANK_MARGINAL);
  GList* const fitting = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
  gst_plugin_feature_list_free(all);
  Ref<GstElement> decoder;
  for (GList* at = fitting; at && !decoder; at = at->next) {
    auto* const factory = GST_ELEMENT_FACTORY(at->data);
    if (!in_plain_memory(factory, video)) continue;
    if (GstElement* element = gst_element_factory_create(factory, nullptr))
      decoder = Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(element)));
  }
  gst_plugin_feature_list_free(fitting);
  if (!decoder)
    return Unexpected(std::string("no decoder for ") +
                      gst_structure_get_name(gst_caps_get_structure(caps, 0)) +
                      " is installed: gst-libav has most");
  return decoder;
}

}  // namespace headgate::abrhlssink
