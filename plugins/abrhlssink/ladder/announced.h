// SPDX-License-Identifier: LGPL-2.1-or-later
// What a rung of pictures will be, before there is any of it: what playlists list.
#pragma once

#include <cstdint>

#include <ladder/plan.h>
#include <playlist/record.h>

#include "ladder/audio_rung.h"
#include "ladder/encoders.h"

namespace headgate::abrhlssink {

// Without its state. The frame rate is `rate_over` / `rate_under`.
playlist::RenditionRecord rendition_of(const EncoderSettings& settings, const ladder::PlannedRung& rung,
                                       uint32_t rate_over, uint32_t rate_under);

// Of a rung of sound that is made of so many channels.
playlist::RenditionRecord rendition_of(const ladder::Rung& rung, uint32_t channels);

}  // namespace headgate::abrhlssink
