// SPDX-License-Identifier: LGPL-2.1-or-later
// What elements post on their pipeline's bus (docs/elements.md), for who passes it on.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>

#include <base/bytes.h>
#include <feed/ladder_state.h>

namespace headgate::tools {

inline constexpr char kRecordsMessage[] = "headgate-records";
inline constexpr char kHealthMessage[] = "headgate-health";
inline constexpr char kLadderMessage[] = "headgate-ladder";

// Of headgate-records: playlist::Record encodings, each preceded by u32 length. Nothing: it has none.
std::optional<ByteVector> records_in(const GstStructure* message);
// Empty: there is no such field, or it is no text.
std::string text_in(const GstStructure* message, const char* field);
LadderNews ladder_news(const GstStructure* message);
// Of headgate-health, the first video stream's (docs/health.md); 0: not known.
uint32_t frame_rate_milli(const GstStructure* health);

}  // namespace headgate::tools
