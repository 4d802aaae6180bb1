// SPDX-License-Identifier: LGPL-2.1-or-later
// What the RTMP tests share: bytes written as hex, and a sink that remembers.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <base/encoding.h>
#include <rtmp/amf0.h>
#include <rtmp/chunk_reader.h>
#include <rtmp/chunk_writer.h>

namespace headgate::rtmp::test {

// "03 0a ff": white space is for the eye.
inline ByteVector hex(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != ' ' && c != '\n') digits += c;
  auto bytes = from_hex(digits);
  EXPECT_TRUE(bytes) << text;
  return bytes ? *bytes : ByteVector{};
}

inline ByteVector filled(size_t size, int first = 0) {
  ByteVector out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return out;
}

inline void append(ByteVector& to, Bytes more) {
  to.insert(to.end(), more.begin(), more.end());
}

inline ByteVector joined(std::initializer_list<ByteVector> parts) {
  ByteVector out;
  for (const ByteVector& part : parts) append(out, part);
  return out;
}

struct Seen {
  uint32_t csid;
  int type;
  uint32_t stream_id, timestamp;
  std::string body;  // hex: prefix and payload
  bool operator==(const Seen&) const = default;
};
inline void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "csid " << seen.csid << " type " << seen.type << " stream " << seen.stream_id << " at "
       << seen.timestamp << ": " << seen.body;
}

class RecordingSink : public MessageSink {
 public:
  std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override {
    EXPECT_FALSE(open.contains(csid));
    ByteVector& memory = open[csid];
    if (skip) return {};
    memory.resize(header.length - prefix.size());
    return memory;
  }
  void complete(uint32_t csid, const MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override {
    EXPECT_TRUE(open.contains(csid));
    if (!skip) {
      EXPECT_EQ(prefix.size() + payload.size(), header.length);
    }
    if (!payload.empty()) {
      EXPECT_EQ(payload.data(), open[csid].data());
    }
    seen.push_back({csid, header.type, header.stream_id, header.timestamp, to_hex(prefix) + to_hex(payload)});
    open.erase(csid);
    if (stop_after == seen.size() && reader) reader->stop();
  }
  void abandon(uint32_t csid) override {
    EXPECT_TRUE(open.erase(csid));
    ++abandoned;
  }

  std::vector<Seen> seen;
  std::map<uint32_t, ByteVector> open;
  int abandoned = 0;
  bool skip = false;
  size_t stop_after = 0;
  ChunkReader* reader = nullptr;
};

}  // namespace headgate::rtmp::test
