// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that elements share (docs/elements.md).
#pragma once

namespace headgate::gst {

inline constexpr char kSessionName[] = "headgate-session";         // event, element message
inline constexpr char kSessionEndName[] = "headgate-session-end";  // event
inline constexpr char kTimestampsName[] = "headgate-timestamps";   // event, element message
inline constexpr char kRecordsCaps[] = "application/x-headgate-records";

}  // namespace headgate::gst
