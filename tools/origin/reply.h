// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers over libsoup: what every one has (security headers, lengths, 304), and answers that come later.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <string>

namespace headgate::origin {

struct BytesUnref {
  void operator()(GBytes* bytes) const { g_bytes_unref(bytes); }
};
using BytesPtr = std::unique_ptr<GBytes, BytesUnref>;
BytesPtr bytes_of(const std::string& text);

inline constexpr char kTypePlaylist[] = "application/vnd.apple.mpegurl";
inline constexpr char kTypeMedia[] = "video/mp4";
inline constexpr char kTypeJson[] = "application/json";
inline constexpr char kTypeText[] = "text/plain; charset=utf-8";

inline constexpr char kCacheNever[] = "no-store";
inline constexpr char kCacheRevalidate[] = "no-cache";
inline constexpr char kCacheMinute[] = "public, max-age=60";
inline constexpr char kCacheForever[] = "public, max-age=31536000, immutable";

struct Reply {
  unsigned status = 200;
  const char* type = kTypeText;
  const char* cache = kCacheNever;
  std::string etag;         // with quotes; empty: none. A request that has it is answered 304
  bool any_origin = false;  // Access-Control-Allow-Origin: *
  bool ranges = false;      // bytes can be asked for in part (libsoup cuts them)
  BytesPtr body;
};

Reply text_reply(unsigned status, const std::string& text);
Reply json_reply(const std::string& json);
void send_reply(SoupServerMessage* message, Reply reply);

// A message that is answered later; it may be gone by then. Shared by whoever may answer.
class Deferred {
 public:
  explicit Deferred(SoupServerMessage* message);  // pauses it
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  // The first answer counts; nothing happens when the client has gone.
  void send(Reply reply);

 private:
  SoupServerMessage* message_;
  gulong finished_handler_;
  bool over_ = false;
};
using DeferredPtr = std::shared_ptr<Deferred>;

}  // namespace headgate::origin
