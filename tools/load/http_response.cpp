// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/http_response.h>

#include <algorithm>
#include <charconv>

namespace headgate::load {
namespace {

constexpr size_t kMaxLine = 1024;  // chunk sizes with their extensions, trailers

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<size_t> HttpResponse::feed(Bytes data) {
  size_t taken = 0;
  while (taken < data.size() && state_ != State::kDone) {
    Bytes rest = data.subspan(taken);
    if (state_ == State::kHead) {
      size_t before = head_.size();
      head_ += as_text(rest.first(std::min(rest.size(), kMaxHttpHead - before)));
      size_t from = before < 3 ? 0 : before - 3;
      size_t end = head_.find("\r\n\r\n", from);
      if (end == std::string::npos) {
        if (head_.size() >= kMaxHttpHead) return Unexpected("a head without an end");
        return data.size();
      }
      taken += end + 4 - before;
      head_.resize(end);
      if (auto read = read_head(); !read) return Unexpected(read.error());
    } else if (state_ == State::kLength || state_ == State::kChunk || state_ == State::kUntilClose) {
      size_t count = state_ == State::kUntilClose ? rest.size() : std::min<uint64_t>(rest.size(), left_);
      if (auto kept = take_body(rest.first(count)); !kept) return Unexpected(kept.error());
      taken += count;
    } else {
      auto count = take_line(rest);
      if (!count) return count;
      taken += *count;
      if (line_done_)
        if (auto read = on_line(); !read) return Unexpected(read.error());
    }
  }
  return taken;
}

Result<void> HttpResponse::closed() {
  if (state_ != State::kUntilClose) return Unexpected("closed in the middle of a response");
  state_ = State::kDone;
  return {};
}

void HttpResponse::skipped(uint64_t count) {
  left_ -= count;
  body_bytes_ += count;
  if (left_ == 0) state_ = State::kDone;
}

Result<void> HttpResponse::read_head() {
  std::string_view head = head_;
  size_t end = std::min(head.find("\r\n"), head.size());
  std::string_view first = head.substr(0, end);
  if (!first.starts_with("HTTP/1.") || first.size() < 12) return Unexpected("not an HTTP/1 response");
  keep_alive_ = first[7] != '0';
  auto [stop, error] = std::from_chars(first.data() + 9, first.data() + 12, status_);
  if (error != std::errc() || stop != first.data() + 12) return Unexpected("not an HTTP/1 response");
  while (end < head.size()) {
    head.remove_prefix(end + 2);
    end = std::min(head.find("\r\n"), head.size());
    if (auto read = header_line(head.substr(0, end)); !read) return read;
  }
  head_.clear();
  if (status_ / 100 == 1) return {};  // another head follows
  if (status_ == 204 || status_ == 304 || (has_length_ && left_ == 0 && !chunked_))
    state_ = State::kDone;
  else if (chunked_)
    state_ = State::kChunkSize;
  else
    state_ = has_length_ ? State::kLength : State::kUntilClose;
  if (state_ == State::kUntilClose) keep_alive_ = false;
  return {};
}

Result<void> HttpResponse::header_line(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Unexpected("a header without a colon");
  std::string name = lower(line.substr(0, colon));
  std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-length") {
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), left_);
    if (error != std::errc() || end != value.data() + value.size())
      return Unexpected("Content-Length is not a number");
    has_length_ = true;
  } else if (name == "transfer-encoding") {
    if (lower(value) != "chunked") return Unexpected("an unknown Transfer-Encoding");
    chunked_ = true;
  } else if (name == "connection") {
    std::string options = lower(value);
    if (options.find("close") != std::string::npos) keep_alive_ = false;
    if (options.find("keep-alive") != std::string::npos) keep_alive_ = true;
  }
  return {};
}

Result<size_t> HttpResponse::take_line(Bytes data) {
  std::string_view text = as_text(data);
  size_t end = text.find('\n');
  line_ += text.substr(0, end);
  if (line_.size() > kMaxLine) return Unexpected("a chunk's line without an end");
  if (end == std::string_view::npos) return data.size();
  if (line_.ends_with('\r')) line_.pop_back();
  line_done_ = true;
  return end + 1;
}

Result<void> HttpResponse::on_line() {
  std::string line = std::exchange(line_, {});
  line_done_ = false;
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) return Unexpected("a chunk longer than its size");
    state_ = State::kChunkSize;
  } else if (state_ == State::kTrailer) {
    if (line.empty()) state_ = State::kDone;
  } else {
    auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
    if (error != std::errc() || end == line.data()) return Unexpected("a chunk without a size");
    state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  }
  return {};
}

Result<void> HttpResponse::take_body(Bytes data) {
  body_bytes_ += data.size();
  if (keep_limit_ > 0) {
    if (body_.size() + data.size() > keep_limit_)
      return Unexpected("a body of more than " + std::to_string(keep_limit_) + " bytes");
    body_ += as_text(data);
  }
  if (state_ == State::kUntilClose) return {};
  left_ -= data.size();
  if (left_ == 0) state_ = state_ == State::kChunk ? State::kChunkEnd : State::kDone;
  return {};
}

}  // namespace headgate::load
