// SPDX-License-Identifier: LGPL-2.1-or-later
// Access units out of the bytes of a video stream, whichever way PES packets cut it: what begins and ends a
// unit stands in its NAL units.
#include <codec/access_unit.h>
#include <codec/nal.h>
#include <codec/parameter_sets.h>

#include "elementary.h"
#include "nal_types.h"

namespace headgate::mpegts {
namespace {

constexpr size_t kStartCodeBytes = 3, kLengthBytes = 4;

// Where 00 00 01 begins, from `from` on; data.size() if nowhere.
size_t find_start_code(Bytes data, size_t from) {
  for (size_t at = from; at + kStartCodeBytes <= data.size();) {
    const auto third = std::to_integer<unsigned>(data[at + 2]);
    if (third > 1) {
      at += 3;
    } else if (third == 1) {
      if (data[at] == std::byte{0} && data[at + 1] == std::byte{0}) return at;
      at += 3;
    } else {
      ++at;
    }
  }
  return data.size();
}

class Video final : public Assembler {
 public:
  Video(codec::Codec codec, Output output) : codec_(codec), output_(std::move(output)), sets_(codec) {}

  void begin_pes(const std::optional<PesTime>& time) override {
    if (time) times_.add(static_cast<std::ptrdiff_t>(bytes_.size()), *time);
  }

  void append(Bytes data) override {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    scan(false);
    if (!in_unit_) drop_front(scanned_);
    if (bytes_.size() <= kMaxUnitBytes) return;
    refuse_large();
    forget();
  }

  // No unit's end: there are senders whose pictures go over several packets, and such that state the length
  // of a large one modulo 65,536.
  void end_pes() override {}

  void lose() override {
    if (in_unit_)
      output_.dropped_unit();
    else
      output_.lost();
    forget();
  }

  void finish(bool whole) override {
    if (whole) {
      scan(true);
      if (in_unit_ && has_slice_) close_unit(bytes_.size());
    }
    if (in_unit_) output_.dropped_unit();
    forget();
  }

 private:
  void scan(bool final);
  void take_nal(size_t start_code);
  void open_unit(size_t at);
  void close_unit(size_t end);
  void give(size_t end);
  void collect_sets(size_t end);
  void drop_front(size_t count);
  void forget();
  void refuse_large() {
    output_.problem("a picture of more than " + std::to_string(kMaxUnitBytes) + " bytes or " +
                    std::to_string(kMaxUnitNals) + " NAL units");
    output_.dropped_unit();
  }
  // The NAL unit `i` of the open unit, which ends at `end`.
  Bytes nal(size_t i, size_t end) const;

  const codec::Codec codec_;
  Output output_;
  codec::ParameterSets sets_;
  bool described_ = false;  // a configuration was given

  ByteVector bytes_;          // of the open unit, from its first start code on, or in search of one
  size_t scanned_ = 0;        // no start code begins before this that was not seen
  std::vector<size_t> nals_;  // where the open unit's NAL units begin, behind their start codes
  bool in_unit_ = false;
  bool has_slice_ = false;  // the open unit
  std::optional<PesTime> time_;
  PesTimes times_;
};

Bytes Video::nal(size_t i, size_t end) const {
  if (i + 1 < nals_.size()) end = nals_[i + 1] - kStartCodeBytes;
  while (end > nals_[i] && bytes_[end - 1] == std::byte{0}) --end;  // trailing_zero_8bits, zero_byte
  return Bytes(bytes_).subspan(nals_[i], end - nals_[i]);
}

// `final`: nothing more belongs to what is kept. Else a NAL unit is looked at when enough of it is there.
void Video::scan(bool final) {
  for (;;) {
    const size_t at = find_start_code(bytes_, scanned_);
    const size_t behind = at + kStartCodeBytes;
    if (at == bytes_.size() || (final && behind == bytes_.size())) break;
    if (!final && behind + kNalPeekBytes > bytes_.size()) {
      scanned_ = at;
      return;
    }
    scanned_ = behind;
    take_nal(at);
  }
  const size_t tail = kStartCodeBytes - 1;
  scanned_ = final ? bytes_.size() : std::max(scanned_, bytes_.size() - std::min(bytes_.size(), tail));
}

void Video::take_nal(size_t start_code) {
  const Bytes nal = Bytes(bytes_).subspan(start_code + kStartCodeBytes);
  const bool starts = starts_unit(codec_, nal), slice = codec::is_vcl(codec_, nal);
  const bool delimiter = is_delimiter(codec_, nal);
  if (!in_unit_ && !starts) return;
  if (in_unit_ && has_slice_ && starts) {
    close_unit(start_code);
    start_code = 0;
  }
  if (!in_unit_ || (!has_slice_ && delimiter)) open_unit(start_code);
  if (nals_.size() == kMaxUnitNals) {
    refuse_large();
    return forget();
  }
  nals_.push_back(start_code + kStartCodeBytes);
  has_slice_ |= slice;
}

// Or begins it anew behind NAL units that belong to no picture, of which only parameter sets are kept.
void Video::open_unit(size_t at) {
  const auto time = times_.take(static_cast<std::ptrdiff_t>(at));
  if (time || !in_unit_) time_ = time;
  if (in_unit_) collect_sets(at);
  nals_.clear();
  in_unit_ = true;
  has_slice_ = false;
}

void Video::close_unit(size_t end) {
  give(end);
  nals_.clear();
  in_unit_ = false;
  drop_front(end);
}

void Video::collect_sets(size_t end) {
  for (size_t i = 0; i < nals_.size(); ++i) {
    const Bytes unit = nal(i, end);
    if (unit.empty()) continue;
    const std::optional<codec::SetKind> kind = codec::parameter_set(codec_, unit);
    if (kind && !sets_.add(*kind, unit))
      output_.problem("more than " + std::to_string(kMaxParameterSets) + " parameter sets of a kind");
  }
}

void Video::give(size_t end) {
  collect_sets(end);
  if (const auto config = sets_.commit()) {
    described_ = config->has_value();
    if (described_)
      output_.config(config->value());
    else
      output_.problem(config->error().message);
  }
  if (!described_) {
    ++output_.stats.undescribed_units;
    return output_.lost();
  }
  Unit unit;
  bool slice = false;
  for (size_t i = 0; i < nals_.size(); ++i) {
    const Bytes one = nal(i, end);
    if (one.empty() || is_left_out(codec_, one)) continue;
    slice |= codec::is_vcl(codec_, one);
    unit.size += kLengthBytes + one.size();
    unit.key |= codec::is_key_nal(codec_, one) ||
                (codec_ == codec::Codec::h264 && codec::recovery_point(one) == codec::Entry::open);
  }
  if (!slice) return output_.dropped_unit();  // it was of zeros, which belong to no NAL unit
  if (unit.size > kMaxUnitBytes) return refuse_large();
  if (time_) unit.pts = time_->pts, unit.dts = time_->dts, unit.dts_sent = time_->dts_sent;
  output_.unit(unit, [&](std::span<std::byte> room) {
    for (size_t i = 0; i < nals_.size(); ++i) {
      const Bytes one = nal(i, end);
      if (one.empty() || is_left_out(codec_, one)) continue;
      for (size_t byte = 0; byte < kLengthBytes; ++byte)
        room[byte] = static_cast<std::byte>(one.size() >> (8 * (kLengthBytes - 1 - byte)));
      std::copy(one.begin(), one.end(), room.begin() + kLengthBytes);
      room = room.subspan(kLengthBytes + one.size());
    }
  });
}

void Video::drop_front(size_t count) {
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(count));
  if (bytes_.capacity() > kKeptBytes && bytes_.size() < kKeptBytes / 2) bytes_.shrink_to_fit();
  scanned_ -= std::min(scanned_, count);
  times_.shift(static_cast<std::ptrdiff_t>(count));
}

void Video::forget() {
  drop_front(bytes_.size());
  nals_.clear();
  times_.clear();
  sets_.abandon();
  in_unit_ = has_slice_ = false;
}

}  // namespace

std::unique_ptr<Assembler> make_video(codec::Codec codec, Output output) {
  return std::make_unique<Video>(codec, std::move(output));
}

}  // namespace headgate::mpegts
