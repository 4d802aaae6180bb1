// SPDX-License-Identifier: LGPL-2.1-or-later
// The name of a codec as CODECS has it (RFC 6381 and the codecs' own bindings), from a sample entry's boxes.
#pragma once

#include <conformance/fragments.h>

#include "boxes.h"

namespace headgate::conformance {

// `children`: the boxes inside a sample entry of that type. Sets codec, nal_length, encrypted.
void name_codec(uint32_t type, Bytes children, MediaTrack& track);

}  // namespace headgate::conformance
