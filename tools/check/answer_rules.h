// SPDX-License-Identifier: LGPL-2.1-or-later
// What HTTP says of a playlist or a segment (draft-pantos-hls-rfc8216bis-22, 4, 6.2.1, 6.2.2).
#pragma once

#include <check/http_client.h>

#include <conformance/m3u8.h>

namespace headgate::check {

conformance::Findings check_playlist_answer(const Answer& answer);
// Of one that can change: `target` is its target duration.
conformance::Findings check_live_caching(const Answer& answer, conformance::Micros target);
conformance::Findings check_media_answer(const Answer& answer);

}  // namespace headgate::check
