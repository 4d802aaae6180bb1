// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aggregate.h"

#include <algorithm>

namespace headgate::rtmp {

Result<std::optional<Aggregate::Message>> Aggregate::next() {
  if (reader_.remaining() == 0) return std::optional<Message>();
  if (reader_.remaining() < kTagHeader) return Unexpected("RTMP: an aggregate message is cut short");
  Message out;
  out.header = header_;
  out.header.type = reader_.u8();
  out.header.length = reader_.u24();
  const uint32_t low = reader_.u24();
  const uint32_t time = low | uint32_t{reader_.u8()} << 24;
  reader_.skip(3);  // the stream: the aggregate's own holds
  if (reader_.remaining() < out.header.length)
    return Unexpected("RTMP: a message in an aggregate message is longer than this");
  if (!later_) later_ = header_.timestamp - time;  // time wraps at 32 bits
  out.header.timestamp = time + *later_;
  out.payload = reader_.bytes(out.header.length);
  // Nobody looks at it, and behind the last message it may be missing.
  reader_.skip(std::min(reader_.remaining(), kBackPointer));
  return std::optional(out);
}

}  // namespace headgate::rtmp
