// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: what an aggregate message holds (RTMP 1.0, 7.1.6): messages one after the other,
// each behind a header as an FLV file's tags have it (FLV 10.1, E.4.1) and before the length of both.
#pragma once

#include <optional>

#include <base/result.h>
#include <rtmp/chunk_reader.h>

namespace headgate::rtmp {

class Aggregate {
 public:
  // `payload` must outlive it.
  Aggregate(const MessageHeader& header, Bytes payload) : header_(header), reader_(payload) {}

  struct Message {
    MessageHeader header;  // with the aggregate's stream, and its time if it is the first
    Bytes payload;
  };
  // None: there are no more. An error: it is cut short.
  Result<std::optional<Message>> next();

 private:
  static constexpr size_t kTagHeader = 11, kBackPointer = 4;

  MessageHeader header_;
  ByteReader reader_;
  std::optional<uint32_t> later_;  // ms that the aggregate's time is ahead of those in it
};

}  // namespace headgate::rtmp
