// SPDX-License-Identifier: LGPL-2.1-or-later
#include "watch.h"

#include <cstring>
#include <string>
#include <utility>

#include "common/mapped_buffer.h"
#include "decoder.h"
#include "inspector.h"
#include "small_picture.h"

namespace headgate::healthprobe {
namespace {

using content::Condition;

// Of length-prefixed H.264 (avcC, byte 4) and H.265 (hvcC, byte 21).
std::optional<NalFormat> nal_format(const GstStructure* caps) {
  const bool h264 = gst_structure_has_name(caps, "video/x-h264"),
             h265 = gst_structure_has_name(caps, "video/x-h265");
  const GValue* value = gst_structure_get_value(caps, "codec_data");
  if ((!h264 && !h265) || !value || !GST_VALUE_HOLDS_BUFFER(value)) return std::nullopt;
  const gst::MappedBuffer map(gst::Ref<GstBuffer>::retain(gst_value_get_buffer(value)));
  const size_t at = h264 ? 4 : 21;
  if (map.bytes().size() <= at) return std::nullopt;
  const auto length_size = static_cast<uint8_t>((std::to_integer<uint8_t>(map.bytes()[at]) & 3) + 1);
  return NalFormat{h265, length_size};
}

uint32_t said_bytes_of(GstBuffer* buffer, const std::optional<NalFormat>& format) {
  if (!format) return static_cast<uint32_t>(gst_buffer_get_size(buffer));
  const gst::MappedBuffer map(gst::Ref<GstBuffer>::retain(buffer));
  return said_bytes({reinterpret_cast<const uint8_t*>(map.bytes().data()), map.bytes().size()}, format);
}

void set_condition(GstStructure* stream, const content::Judge& judge, Condition condition, int64_t now) {
  const char* name = content::name_of(condition);
  const auto since = judge.since(condition);
  gst_structure_set(stream, name, G_TYPE_BOOLEAN, since.has_value(), (std::string(name) + "-for").c_str(),
                    G_TYPE_INT64, gint64{since ? now - *since : 0}, nullptr);
}

// From here to its end the thread is one stream's.
class AtWork {
 public:
  explicit AtWork(const std::function<void(bool)>& tell) : tell_(tell) {
    if (tell_) tell_(true);
  }
  ~AtWork() {
    if (tell_) tell_(false);
  }
  AtWork(const AtWork&) = delete;

 private:
  const std::function<void(bool)>& tell_;
};

}  // namespace

Watch::Watch(const ContentSettings& settings, Events events)
    : settings_(settings), events_(std::move(events)), judge_(settings.thresholds) {
  Inspector::of_process().join(settings_.budget);
}

Watch::~Watch() {
  Inspector::of_process().leave(settings_.budget);
}

void Watch::set_caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_.get(), caps)) return;
  caps_ = gst::Ref<GstCaps>::retain(caps);
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  kind_ = !can_decode(caps)                                               ? Kind::none
          : g_str_has_prefix(gst_structure_get_name(structure), "video/") ? Kind::picture
                                                                          : Kind::sound;
  format_ = nal_format(structure);
  restart();
}

void Watch::restart() {
  between_.take();
  sound_.clear();
  last_ = INT64_MIN;
  std::lock_guard lock(mutex_);
  ++epoch_;
  judge_.restart();
  samples_ = undecodable_ = 0;
}

void Watch::saw(GstBuffer* buffer, bool key, int64_t now) {
  if (kind_ == Kind::picture) saw_frame(buffer, key, now);
  if (kind_ == Kind::sound) heard_frame(buffer, now);
}

void Watch::saw_frame(GstBuffer* buffer, bool key, int64_t now) {
  const bool is_looked_at = settings_.interval > 0;
  if (!key) {
    if (is_looked_at) between_.add(said_bytes_of(buffer, format_));
    return;
  }
  Sample sample;
  sample.between = between_.take();
  const bool wanted = picture_wanted_;
  if (!is_looked_at && !wanted) return;
  if (!Inspector::of_process().due(*cost_, last_, now, wanted ? 0 : settings_.interval)) return;
  last_ = sample.at = now;
  sample.pictured = wanted && picture_wanted_.exchange(false);
  sample.caps = caps_;
  sample.key_frame = gst::Ref<GstBuffer>::retain(buffer);
  {
    std::lock_guard lock(mutex_);
    sample.epoch = epoch_;
  }
  Inspector::of_process().submit(
      cost_, [self = shared_from_this(), sample = std::move(sample)] { self->look(sample); });
}

void Watch::heard_frame(GstBuffer* buffer, int64_t now) {
  if (settings_.interval == 0) return;
  if (sound_.empty()) {
    if (!Inspector::of_process().due(*cost_, last_, now, settings_.interval / 2)) return;
    last_ = now;
  }
  sound_.push_back(gst::Ref<GstBuffer>::retain(buffer));
  if (sound_.size() < kSoundFrames) return;
  std::unique_lock lock(mutex_);
  const uint64_t epoch = epoch_;
  lock.unlock();
  Inspector::of_process().submit(
      cost_, [self = shared_from_this(), caps = caps_, frames = std::exchange(sound_, {}), now, epoch] {
        self->listen(caps.get(), frames, now, epoch);
      });
}

void Watch::look(const Sample& sample) {
  const AtWork at_work(events_.thread);
  const FramePtr picture = decode_picture(sample.caps.get(), sample.key_frame.get());
  if (settings_.interval > 0 && judge(sample, picture.get())) events_.changed();
  if (!sample.pictured || !picture) return;
  auto jpeg = small_jpeg(*picture);
  if (!jpeg) return;
  {
    std::lock_guard lock(mutex_);
    if (sample.epoch != epoch_) return;
  }
  events_.pictured(*std::move(jpeg));
}

// True: a condition began or ended.
bool Watch::judge(const Sample& sample, const AVFrame* picture) {
  content::Look look;
  int pixels = 0;
  bool full_range = false;
  const bool seen = picture && look_at_luma(*picture, [&](const content::Luma& luma) {
                      if (!content::look_at(luma, look)) return;
                      pixels = luma.width * luma.height;
                      full_range = luma.full_range;
                    });
  std::lock_guard lock(mutex_);
  if (sample.epoch != epoch_) return false;
  if (!seen || pixels == 0) {
    ++undecodable_;
    return false;
  }
  ++samples_;
  sampled_at_ = sample.at;
  return judge_.saw(look, pixels, full_range, sample.between, sample.at);
}

void Watch::listen(GstCaps* caps, const std::vector<gst::Ref<GstBuffer>>& frames, int64_t at,
                   uint64_t epoch) {
  const AtWork at_work(events_.thread);
  std::vector<GstBuffer*> bare;
  for (const auto& frame : frames) bare.push_back(frame.get());
  content::Ear ear;
  const bool decoded = decode_sound(caps, bare, ear);
  bool changed = false;
  {
    std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    if (decoded) {
      changed = judge_.heard(ear.hearing(), at);
      ++samples_;
      sampled_at_ = at;
    } else {
      ++undecodable_;
    }
  }
  if (changed) events_.changed();
}

void Watch::describe(GstStructure* stream, int64_t now) const {
  if (settings_.interval == 0) return;
  std::lock_guard lock(mutex_);
  gst_structure_set(stream, "samples", G_TYPE_UINT64, guint64{samples_}, "undecodable", G_TYPE_UINT64,
                    guint64{undecodable_}, "sample-age", G_TYPE_INT64,
                    gint64{samples_ ? now - sampled_at_ : -1}, nullptr);
  if (const auto& look = judge_.look()) {
    gst_structure_set(stream, "brightness", G_TYPE_DOUBLE, look->bright, "contrast", G_TYPE_DOUBLE,
                      look->contrast, "detail", G_TYPE_DOUBLE, look->detail, nullptr);
    if (judge_.change()) gst_structure_set(stream, "change", G_TYPE_DOUBLE, judge_.change()->mean, nullptr);
    for (Condition one : {Condition::black, Condition::frozen, Condition::covered})
      set_condition(stream, judge_, one, now);
  }
  if (const auto& hearing = judge_.hearing()) {
    gst_structure_set(stream, "level", G_TYPE_DOUBLE, hearing->rms_db, "peak", G_TYPE_DOUBLE,
                      hearing->peak_db, "clipping", G_TYPE_DOUBLE, hearing->clipped, nullptr);
    for (Condition one : {Condition::silent, Condition::clipped}) set_condition(stream, judge_, one, now);
  }
}

}  // namespace headgate::healthprobe
