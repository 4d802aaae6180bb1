// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads one HTTP/1.1 response (RFC 9112) of a keep-alive connection, piece by piece. The body is kept or only
// counted; of one that is counted and has a Content-Length the owner need not even read the bytes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::load {

inline constexpr size_t kMaxHttpHead = 16 * 1024;

class HttpResponse {
 public:
  // `keep_limit` bytes of body are kept; more are an error. 0: the body is counted.
  explicit HttpResponse(size_t keep_limit) : keep_limit_(keep_limit) {}

  // Takes what belongs to this response and returns how much that was.
  Result<size_t> feed(Bytes data);
  // The connection was closed: an error unless the response may end so.
  Result<void> closed();
  bool done() const { return state_ == State::kDone; }

  // Bytes that follow and need not be looked at; hand them to skipped() without reading.
  uint64_t skippable() const { return state_ == State::kLength && keep_limit_ == 0 ? left_ : 0; }
  void skipped(uint64_t count);

  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }  // after the head
  const std::string& body() const { return body_; }
  // What is kept of the body so far; the limit counts anew, so that an answer without an end can be read.
  std::string take_body() { return std::exchange(body_, {}); }
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  enum class State { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailer, kUntilClose, kDone };
  Result<void> read_head();
  Result<void> header_line(std::string_view line);
  Result<size_t> take_line(Bytes data);  // into line_, without its end; complete: line_done_
  Result<void> on_line();
  Result<void> take_body(Bytes data);

  size_t keep_limit_;
  State state_ = State::kHead;
  std::string head_;  // until its empty line
  std::string line_;  // of chunk sizes and trailers
  bool line_done_ = false;
  int status_ = 0;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool has_length_ = false;
  uint64_t left_ = 0;  // of the body or of the chunk
  uint64_t body_bytes_ = 0;
  std::string body_;
};

}  // namespace headgate::load
