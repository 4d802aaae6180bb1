// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json_line.h>
#include <common/utc.h>
#include <feed/ladder_state.h>
#include <playlist/rendition.h>

#include <algorithm>

namespace headgate::tools {

bool LadderState::told(const LadderNews& news, int64_t utc_us) {
  if (news.state != "paused") return paused_.erase(news.rendition) > 0;
  if (!playlist::valid_rendition(news.rendition) || paused_.size() >= playlist::kMaxRenditions) return false;
  return paused_.try_emplace(news.rendition, Paused{news.reason, news.cause, utc_us}).second;
}

void LadderState::told(const std::string& rendition, const playlist::RenditionRecord& record) {
  const bool runs = record.state != playlist::RenditionState::idle;
  if (runs && !record.on_demand && record.height > 0 && always_.size() < playlist::kMaxRenditions)
    always_.insert(rendition);
  else
    always_.erase(rendition);
}

std::string LadderState::paused_json() const {
  std::string out;
  for (const auto& [rendition, one] : paused_)
    out += (out.empty() ? "" : ",") + JsonLine()
                                          .field("rendition", rendition)
                                          .field("reason", one.reason)
                                          .field("cause", one.cause)
                                          .field("since_utc", utc_text(one.since_utc_us))
                                          .take();
  return out.empty() ? out : "[" + out + "]";
}

LadderState::Load LadderState::load() const {
  const auto is_short = [this](const std::string& rendition) {
    const auto found = paused_.find(rendition);
    return found != paused_.end() && found->second.cause == kOfProcessors;
  };
  return {always_.size(), static_cast<size_t>(std::count_if(always_.begin(), always_.end(), is_short))};
}

}  // namespace headgate::tools
