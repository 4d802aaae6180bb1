// SPDX-License-Identifier: LGPL-2.1-or-later
// Chunk streams: whatever comes, in whatever pieces and through whatever process, the messages are the same.
#include <rtmp/chunk_reader.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

namespace {

using namespace headgate;
using namespace headgate::rtmp;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

class Sink : public MessageSink {
 public:
  std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override {
    require(open_.emplace(csid, ByteVector()).second, "begun twice");
    if (is_skipped(header)) return {};
    ByteVector& memory = open_[csid];
    memory.resize(header.length - prefix.size());
    return memory;
  }
  void complete(uint32_t csid, const MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override {
    auto found = open_.find(csid);
    require(found != open_.end(), "completed without a beginning");
    require(payload.size() == found->second.size(), "payload of another size");
    if (!is_skipped(header)) {  // behind a hand-over nobody hears of those
      note(csid, header, prefix);
      ByteWriter(log).bytes(payload);
    }
    open_.erase(found);
  }
  void abandon(uint32_t csid) override { require(open_.erase(csid) == 1, "abandoned without a beginning"); }

  ByteVector log;

 private:
  void note(uint32_t csid, const MessageHeader& header, Bytes prefix) {
    ByteWriter writer(log);
    writer.u32(csid);
    writer.u8(header.type);
    writer.u32(header.stream_id);
    writer.u32(header.timestamp);
    writer.u32(header.length);
    writer.bytes(prefix);
  }
  static bool is_skipped(const MessageHeader& header) { return header.stream_id % 5 == 4; }
  std::map<uint32_t, ByteVector> open_;
};

Limits limits() {
  Limits out;
  out.max_chunk_streams = 8;
  out.max_media_bytes = 64 * 1024;
  out.max_open_bytes = 128 * 1024;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  size_t step = data[0] + size_t{1}, hand_over = data[1];
  Bytes input = std::as_bytes(std::span(data + 2, size - 2));

  Sink whole;
  ChunkReader reference(limits());
  bool good = reference.feed(input, whole).has_value();

  // In pieces of `step`, and once through a saved state after `hand_over` pieces.
  Sink pieces;
  ChunkReader reader(limits());
  bool pieces_good = true;
  for (size_t at = 0, count = 0; at < input.size() && pieces_good; at += step, ++count) {
    if (count == hand_over) {
      ByteVector state;
      reader.save(state);
      ByteVector log = std::move(pieces.log);
      pieces = Sink();
      auto restored = ChunkReader::restore(state, pieces, limits());
      require(restored.has_value(), "its own state is refused");
      reader = *std::move(restored);
      pieces.log = std::move(log);
    }
    pieces_good = reader.feed(input.subspan(at, std::min(step, input.size() - at)), pieces).has_value();
  }
  require(good == pieces_good, "whole and pieces disagree about an error");
  require(whole.log == pieces.log, "whole and pieces disagree about messages");

  Sink other;  // as a state from a process that went wrong
  if (auto restored = ChunkReader::restore(input, other, limits()))
    (void)restored->feed(input, other).has_value();
  return 0;
}
