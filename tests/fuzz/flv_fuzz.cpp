// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio and video messages: headers, legacy and enhanced, in pieces and as a whole, and the packets in them.
#include <rtmp/enhanced.h>
#include <rtmp/flv.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace headgate;
using namespace headgate::rtmp;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool has_payload(PacketKind kind) {
  return kind != PacketKind::kMalformed && kind != PacketKind::kEmpty;
}

// As ChunkReader asks: more bytes until there are enough.
size_t asked(Bytes message, size_t (*header_size)(Bytes)) {
  size_t size = 0;
  for (int steps = 0;; ++steps) {
    require(steps < 100, "a header without an end");
    const size_t more = header_size(message.first(size));
    if (more <= size) return size;
    if (more > message.size()) return more;
    size = more;
  }
}

void inspect(const VideoHeader& header, Bytes payload) {
  (void)codec_name(header);
  if (header.kind == PacketKind::kMetadata) (void)read_color_info(payload).has_value();
}
void inspect(const AudioHeader& header, Bytes payload) {
  (void)codec_name(header);
  if (header.kind == PacketKind::kMultichannel) (void)read_multichannel(payload).has_value();
}

template <typename Header>
void check(Bytes message, Header (*parse)(Bytes), size_t (*header_size)(Bytes)) {
  const Header whole = parse(message);
  require(whole.size <= message.size(), "a header longer than its message");
  require(whole.nano_offset < 1'000'000, "nanoseconds of more than a millisecond");
  const size_t size = asked(message, header_size);
  if (size <= message.size()) {
    require(size == whole.size, "pieces and whole disagree about the header's size");
    if (size <= kMaxPrefix)
      require(parse(message.first(size)).kind == whole.kind || size == 0, "the header alone says otherwise");
  } else {
    require(whole.kind == PacketKind::kMalformed || whole.kind == PacketKind::kSeveral ||
                whole.kind == PacketKind::kEmpty,
            "a header that is not complete was understood");
  }

  MediaPackets<Header> packets(message);
  Header header;
  Bytes payload;
  int count = 0;
  size_t bytes = 0;
  while (packets.next(header, payload)) {
    require(++count <= kMaxTracks + 1, "more tracks than there may be");
    require(header.kind != PacketKind::kSeveral, "several tracks in a track");
    require(has_payload(header.kind) || payload.empty(), "payload of what cannot be read");
    if (!payload.empty())
      require(payload.data() >= message.data() &&
                  payload.data() + payload.size() <= message.data() + message.size(),
              "payload outside the message");
    bytes += payload.size();
    inspect(header, payload);
  }
  require(bytes <= message.size(), "payload twice");
  if (whole.kind != PacketKind::kSeveral)
    require(count == 1 && header.kind == whole.kind, "one packet, otherwise than its header says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes message = std::as_bytes(std::span(data, size));
  check<VideoHeader>(message, parse_video_header, video_header_size);
  check<AudioHeader>(message, parse_audio_header, audio_header_size);
  return 0;
}
