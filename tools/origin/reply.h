// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers: what every one has (security headers, lengths, 304), and answers that come later. To one of
// libsoup's messages, or as text for a connection that libsoup does not have (media_connections.h).
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bytes_ptr.h"
#include "media_files.h"
#include "text.h"

namespace headgate::origin {

BytesPtr bytes_of(const std::string& text);

inline constexpr char kTypePlaylist[] = "application/vnd.apple.mpegurl";
inline constexpr char kTypeManifest[] = "application/dash+xml";
inline constexpr char kTypeMedia[] = "video/mp4";
inline constexpr char kTypeAudio[] = "audio/mp4";
inline constexpr char kTypeJson[] = "application/json";
inline constexpr char kTypeText[] = "text/plain; charset=utf-8";

inline constexpr char kNothingHere[] = "There is nothing here.";
inline constexpr char kNoStream[] = "There is no such stream on this node.";

inline constexpr char kCacheNever[] = "no-store";
inline constexpr char kCacheRevalidate[] = "no-cache";
// A live playlist as it is, and one at an address that is asked for once by each player (RFC 8216bis, 6.2.5).
inline constexpr char kCacheShort[] = "public, max-age=1";
inline constexpr char kCacheBlocked[] = "public, max-age=24";
inline constexpr char kCacheMinute[] = "public, max-age=60";
inline constexpr char kCacheForever[] = "public, max-age=31536000, immutable";

// What stands behind a file that is still being written, asked for when all before it has been sent: `next`
// is called once, now or later. No pieces: that was all. Error: more there was to be is not to be had.
using OnPiece = std::function<void(Result<FileRange> next)>;
using Growth = std::function<void(OnPiece next)>;

struct Reply {
  unsigned status = 200;
  const char* type = kTypeText;
  const char* cache = kCacheNever;
  std::string etag;         // with quotes; empty: none. A request that has it is answered 304
  bool any_origin = false;  // Access-Control-Allow-Origin: *
  bool ranges = false;      // parts of `file` can be asked for
  std::string content_range;
  BytesPtr body;
  std::optional<FileRange> file;  // instead of `body`
  TextPtr text;                   // likewise: as the client takes it, packed or not
  std::string end;                // of this answer alone, behind `body` or `text`; 64 kB at most
  bool gzip = false;              // set by choose_coding()
  Growth more{};                  // behind `file`: sent in chunks as it comes (RFC 9112, 7.1)
  int64_t asked_us = 0;           // when the request came, to tell how long its answer took; 0: not told
};

Reply text_reply(unsigned status, const std::string& text);
Reply json_reply(const std::string& json);
// 404, for pages of other hosts, too.
Reply not_there_reply(const std::string& what);
// Empty, or null: there is nothing to list yet.
Reply playlist_reply(TextPtr text);
// Makes a body of `text`. Whoever writes an answer does it first.
void choose_coding(Reply& reply, bool accepts_gzip);
// libsoup does not tell the descriptor of a stream that it was given: whoever gives it one notes it at the
// stream's remote address. -1: nobody has.
void note_socket(GSocketAddress* remote, int fd);
int socket_of(SoupServerMessage* message);
// The address that asks; behind a proxy on this machine the one that it tells (X-Forwarded-For), or else
// empty.
std::string whose_is(SoupServerMessage* message);
// Whether an answer to one of libsoup's messages waited for media to come.
bool has_waited(SoupServerMessage* message);
// Of MediaFiles: 410 when the media is not there any more, which players and caches take for final; 503 for
// what may pass.
Reply media_error_reply(const Error& error);
// What was found of media that will not change any more.
Reply media_reply(Result<FileRange> found, const char* type, std::string etag);
void send_reply(SoupServerMessage* message, Reply reply);
// Behind choose_coding(). Status line and headers, with the empty line, of an answer to a request without
// conditions or ranges. close: the connection is closed behind it.
std::string header_text(const Reply& reply, bool close);

// An answer that comes later; who asked may be gone by then. Shared by whoever may answer.
class Answer {
 public:
  // `whose`: as of whose_is().
  explicit Answer(std::string whose);
  virtual ~Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  const std::string& whose() const { return whose_; }
  // The first one counts. A text tells how long it took (Server-Timing), unless it waited for media.
  void send(Reply reply);
  // `call` runs once, when who asked goes before there is an answer. The last one given counts.
  void when_gone(std::function<void()> call);
  // Who asked has gone.
  void gone();
  // For media that is yet to come: how long it takes says nothing of the origin.
  void note_wait() { waited_ = true; }

 protected:
  void send_if_none();  // for destructors: 503
  bool waited() const { return waited_; }
  virtual void write(Reply reply) = 0;
  // From now on gone() is to be called as soon as who asked has gone.
  virtual void watch() = 0;

 private:
  const std::string whose_;
  const int64_t asked_us_;
  bool sent_ = false, waited_ = false;
  std::function<void()> when_gone_;
};
using AnswerPtr = std::shared_ptr<Answer>;

// Of a file only the part that is asked for is read, in the disk's thread. One that is still being written is
// sent when it is whole: only then is it known which part is asked for.
class SoupAnswer : public Answer, public std::enable_shared_from_this<SoupAnswer> {
 public:
  explicit SoupAnswer(SoupServerMessage* message);  // pauses it
  ~SoupAnswer() override;

 private:
  void write(Reply reply) override;
  void watch() override;
  void forget_watch();
  static gboolean on_readable(gint fd, GIOCondition, gpointer self);
  void gather(Reply reply);
  void finish(Reply reply);

  SoupServerMessage* message_;
  gulong finished_handler_;
  GSource* watched_ = nullptr;  // its socket, while it waits: libsoup does not look at it
  bool gone_ = false;
};

}  // namespace headgate::origin
