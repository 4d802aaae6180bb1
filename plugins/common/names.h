// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that elements share (docs/elements.md).
#pragma once

namespace headgate::gst {

inline constexpr char kSessionName[] = "headgate-session";         // event, element message
inline constexpr char kSessionEndName[] = "headgate-session-end";  // event
inline constexpr char kTimestampsName[] = "headgate-timestamps";   // event, element message
inline constexpr char kUplinkName[] = "headgate-uplink";           // event, element message
inline constexpr char kSilenceName[] = "headgate-silence";         // event
// Sticky event in front of a run's first part, on the pad that has the run's records: `base` (int64, ticks of
// 90 kHz) and `shift` (int64, ns) of store::StreamTime.
inline constexpr char kTimelineName[] = "headgate-timeline";
// Element message: `records` (GBytes), and `rendition` (string) where they are a derived one's.
inline constexpr char kRecordsName[] = "headgate-records";
// Action signal of an element that encodes renditions when they are asked for: (gchararray rendition).
inline constexpr char kWantRenditionName[] = "want-rendition";
inline constexpr char kRecordsCaps[] = "application/x-headgate-records";

}  // namespace headgate::gst
