// SPDX-License-Identifier: LGPL-2.1-or-later
// NAL units of a byte stream (ITU-T H.264 and H.265, Annex B), as MPEG-TS carries them: each behind a start
// code of 3 or more bytes. Nothing is copied.
#pragma once

#include <optional>

#include <base/bytes.h>

namespace headgate::codec {

class ByteStreamReader {
 public:
  explicit ByteStreamReader(Bytes stream);
  // The next NAL unit from its header byte on, without the zero bytes behind it; empty ones are passed over,
  // as is what stands before the first start code. Nothing: the end.
  std::optional<Bytes> next();

 private:
  Bytes rest_;  // behind a start code; empty at the end
};

}  // namespace headgate::codec
