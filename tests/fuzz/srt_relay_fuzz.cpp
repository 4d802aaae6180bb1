// SPDX-License-Identifier: LGPL-2.1-or-later
// A packet of the socketpair between who holds an SRT socket and the session's process.
#include <srt/relay.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace headgate;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes packet = std::as_bytes(std::span(data, size));
  auto read = srt::decode_relay(packet);
  if (!read) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  if (auto* stats = std::get_if<srt::LinkStats>(&*read)) {
    ByteVector again;
    srt::encode(*stats, again);
    if (!std::ranges::equal(again, packet)) std::abort();
  } else {
    const auto* hole = std::get_if<srt::AfterHole>(&*read);
    if (hole && (hole->missing == 0 || hole->missing > srt::kManyMissing)) std::abort();
    const Bytes payload = hole ? hole->payload : std::get<Bytes>(*read);
    if (payload.empty() || payload.size() > srt::kMaxPayload) std::abort();
    if (payload.data() + payload.size() != packet.data() + packet.size()) std::abort();
  }
  return 0;
}
