// SPDX-License-Identifier: LGPL-2.1-or-later
// Publishers under the test's control: one whose session has been admitted elsewhere, byte by byte, and real
// programs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/unique_fd.h>
#include <rtmp/chunk_writer.h>
#include <ticket/issuer.h>

#include "media_file.h"
#include "plugin_test.h"

namespace headgate::test {

// A connection as a gate hands it over: `publish` read, not answered. What is sent comes over a socket pair.
class AdmittedPublisher {
 public:
  // `enhanced`: it says in connect that it speaks Enhanced RTMP.
  explicit AdmittedPublisher(bool enhanced = false);
  // Sets the source's session properties; the source owns its end from now on.
  void hand_over(GstElement* source);
  // The same for somebody else to do: the descriptor (still ours) and the saved state.
  int session_fd() const { return theirs_.get(); }
  const ByteVector& session_state() const { return state_; }
  void handed_over() { theirs_.reset(); }

  void chunk_size(uint32_t bytes);  // of what follows
  void metadata(bool video, bool audio);
  void video_config(Bytes avcc, uint32_t ms = 0);
  void audio_config(Bytes asc, uint32_t ms = 0);
  void video(Bytes frame, uint32_t ms, bool key, int32_t composition_ms = 0);
  void audio(Bytes frame, uint32_t ms);
  void message(uint8_t type, uint32_t ms, Bytes body);
  bool try_message(uint8_t type, uint32_t ms, Bytes body);  // false: the connection is closed
  // All packets of a file with times moved by `offset_ms`, in order.
  void file(const MediaFile& media, uint32_t offset_ms = 0);
  // Messages are sent when they are so many bytes together; 0: each at once, and what was gathered.
  void gather(size_t bytes);
  void unpublish();
  void disconnect() { mine_.reset(); }
  // What the element has sent back, until it contains `text`.
  bool is_told(const std::string& text);

 private:
  void send(const ByteVector& bytes);
  size_t gather_ = 0;
  ByteVector gathered_;
  UniqueFd mine_, theirs_;
  ByteVector state_;
  rtmp::ChunkWriter writer_;
  std::string received_;
};

// A folder of keys and tickets of its event.
class Keys {
 public:
  static constexpr uint32_t kEvent = 77;
  Keys();
  const std::string& folder() const { return folder_.path(); }
  ticket::Issued issue(uint32_t station, int64_t valid_seconds = 3600);
  // "rtmp://user:password@127.0.0.1:port/lt/ticket"
  static std::string url(const ticket::Issued& issued, unsigned port);
  // "srt://127.0.0.1:port?streamid=...&passphrase=...", for ffmpeg
  static std::string srt_url(const ticket::Issued& issued, unsigned port);

 private:
  ScratchDirectory folder_;
  std::optional<ticket::Issuer> issuer_;
};

// A program beside the test; killed with its object.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments);
  ~Program();
  Program(const Program&) = delete;
  bool ended();
  int wait();  // exit status; -1: killed or too late
  void kill();

 private:
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = -1;
};

// ffmpeg with a test picture and tone, in real time.
std::vector<std::string> ffmpeg_publisher(const std::string& url, double seconds, bool video = true,
                                          bool audio = true);

}  // namespace headgate::test
