// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that elements share (docs/elements.md).
#pragma once

namespace headgate::gst {

inline constexpr char kSessionName[] = "headgate-session";         // event, element message
inline constexpr char kSessionEndName[] = "headgate-session-end";  // event
inline constexpr char kRecordsCaps[] = "application/x-headgate-records";
inline constexpr char kH264Caps[] = "video/x-h264, stream-format = (string) avc, alignment = (string) au";
inline constexpr char kAacCaps[] = "audio/mpeg, mpegversion = (int) 4, stream-format = (string) raw";

}  // namespace headgate::gst
