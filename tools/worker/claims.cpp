// SPDX-License-Identifier: LGPL-2.1-or-later
#include "claims.h"

#include <ticket/ticket.h>

#include <string_view>

namespace headgate::worker {
namespace {

// Codecs that tickets have no bit for: a ticket that names codecs does not mean them.
constexpr uint16_t kNoBit = 0;

struct CodecName {
  std::string_view front;  // of the RFC 6381 name
  uint16_t bit;            // ticket::CodecBit
  const char* name;
};
constexpr CodecName kCodecs[] = {
    {"avc1", ticket::kH264, "H.264"}, {"avc3", ticket::kH264, "H.264"}, {"hvc1", ticket::kH265, "H.265"},
    {"hev1", ticket::kH265, "H.265"}, {"av01", ticket::kAv1, "AV1"},    {"mp4a", ticket::kAac, "AAC"},
    {"opus", ticket::kOpus, "Opus"},  {"Opus", ticket::kOpus, "Opus"},  {"vp09", kNoBit, "VP9"},
    {"ac-3", kNoBit, "AC-3"},         {"ec-3", kNoBit, "E-AC-3"},       {"fLaC", kNoBit, "FLAC"},
};

std::string problem(ticket::Refusal code, const std::string& text) {
  return std::to_string(code) + " " + text;
}

}  // namespace

std::string Claims::refuse_codecs(const std::string& codecs) const {
  if (codecs_ == 0) return "";
  std::string_view left = codecs;
  while (!left.empty()) {
    std::string_view one = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    for (const CodecName& known : kCodecs)
      if (one.starts_with(known.front) && (codecs_ & known.bit) == 0)
        return problem(ticket::kUnsupportedMedia, std::string("CODEC: this ticket is not for ") + known.name +
                                                      ". Choose another encoder.");
  }
  return "";
}

Claims::Rate Claims::received(uint64_t bytes, int64_t now_us) {
  if (max_kbps_ == 0) return Rate::fine;
  samples_.emplace_back(now_us, bytes);
  while (samples_.size() > 1 && now_us - samples_[1].first >= rules_.window_us) samples_.pop_front();
  const auto& [since_us, before] = samples_.front();
  if (now_us - since_us < rules_.window_us) return Rate::fine;  // too early to say
  kbps_ = (bytes - before) * 8000 / static_cast<uint64_t>(now_us - since_us);
  if (kbps_ * 100 <= uint64_t{max_kbps_} * (100 + rules_.tolerance_percent)) {
    over_since_us_ = -1;
    return Rate::fine;
  }
  if (over_since_us_ < 0) {
    over_since_us_ = now_us;
    return Rate::over;
  }
  return now_us - over_since_us_ >= rules_.cut_us ? Rate::cut : Rate::fine;
}

std::string Claims::rate_text() const {
  return problem(ticket::kUnacceptable, "OVER-RATE: " + std::to_string(kbps_) +
                                            " kbit/s are sent, this ticket allows " +
                                            std::to_string(max_kbps_) + ". Lower the encoder's bit rate.");
}

}  // namespace headgate::worker
