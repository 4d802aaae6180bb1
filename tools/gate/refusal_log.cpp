// SPDX-License-Identifier: LGPL-2.1-or-later
#include "refusal_log.h"

#include <common/log.h>

namespace headgate::gate {

void RefusalLog::refused(const ingest::Refused& one) {
  if (told_ >= kRefusalLinesPerSecond) {
    ++untold_;
    return;
  }
  ++told_;
  if (one.ticket_id.empty()) {
    tools::log_notice("refused", {{"MESSAGE_ID", tools::message_id::kPublisherRefused},
                                  {"CODE", one.code},
                                  {"REASON", one.text},
                                  {"PEER", one.peer.text},
                                  {"AGENT", one.user_agent}});
    return;
  }
  tools::log_notice("refused", {{"MESSAGE_ID", tools::message_id::kPublisherRefused},
                                {"CODE", one.code},
                                {"REASON", one.text},
                                {"STATION", one.station},
                                {"TICKET", one.ticket_id},
                                {"PEER", one.peer.text},
                                {"AGENT", one.user_agent}});
}

void RefusalLog::next_second() {
  if (untold_ > 0) tools::log_notice("refused more than can be told", {{"COUNT", untold_}});
  told_ = untold_ = 0;
}

}  // namespace headgate::gate
