// SPDX-License-Identifier: LGPL-2.1-or-later
// The source's frames, read back from the files in which its records say they are: so a ladder that nobody
// asks for costs no more than the place of the last few parts, the source's streaming thread has nothing to
// do with one that somebody asks for, and a rung that is started begins with a segment that is there already.
//
// Thread-safe. Frames are read and handed out on a thread that lives while they are wanted. Lock order: the
// feed's mutex, then whatever `wanted` takes.
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <base/result.h>
#include <base/unique_fd.h>
#include <codec/track.h>
#include <fmp4/reader.h>
#include <playlist/record.h>
#include <store/stream_time.h>

#include "common/ref.h"
#include "ladder/feeder.h"

namespace headgate::abrhlssink {

// Of what is remembered while nobody asks: the segment that is being written, and so many before it.
inline constexpr uint64_t kSegmentsBefore = 1;
// As many parts as that may be, for whoever follows the source's records beside it.
inline constexpr size_t kIdleParts = 24;
// Parts that wait to be read; beyond, the oldest are left out.
inline constexpr size_t kMaxPieces = 512;
// A single read, as much as a part may have.
inline constexpr uint64_t kMaxChunkBytes = 64u << 20;
// What was there when it began is read as fast as it is encoded, but no longer than this: then encoding is
// slower than the stream, and it goes on with the newest segment.
inline constexpr int64_t kCatchUpMs = 10'000;

class ArchiveFeed {
 public:
  // On the feed's thread, but for `wanted`, which is for any.
  struct Events {
    std::function<void(codec::Kind, GstCaps*)> caps;
    // `may_wait`: for room. Times are running time of the source's pipeline.
    std::function<void(codec::Kind, EncodedFrame, bool may_wait)> frame;
    std::function<void()> run_ended;                 // of the source, with the last frame
    std::function<bool()> wanted;                    // frames are of use
    std::function<void()> started;                   // they follow
    std::function<void()> rested;                    // none will come for now: frees what waited for them
    std::function<void(const std::string&)> failed;  // media cannot be read; once, until some can
  };
  ArchiveFeed(std::string root, Events events);
  ~ArchiveFeed();  // stop()
  ArchiveFeed(const ArchiveFeed&) = delete;
  ArchiveFeed& operator=(const ArchiveFeed&) = delete;

  // What the source's writer tells, in order; StreamTime before a run's first part.
  void add(const playlist::Record& record);
  void set_time(const store::StreamTime& time);
  // Frames may be wanted now.
  void wake();
  // No more records come: `done` once all that is wanted was handed out, now (nothing was being read) or on
  // the feed's thread.
  using Done = std::function<void(bool was_reading)>;
  void end(Done done);
  // Nothing is handed out any more; whoever waits in `frame` has been let go. cease() does not wait for that.
  void cease();
  void stop();

 private:
  struct Piece {
    playlist::PartRecord part;
    std::shared_ptr<const playlist::InitRecord> init;
    store::StreamTime time;
    bool starts_segment = false;
    bool ends_run = false;  // instead of a part: nothing but its msn
  };
  enum class Doing : uint8_t { nothing, reading, resting };

  void run();
  std::optional<Piece> next(bool& caught_up);
  bool rest();
  void forget_old();
  void skip_to_newest_segment();
  uint64_t end_number() const { return first_ + pieces_.size(); }
  Result<void> hand_out(const Piece& piece, bool may_wait);
  Result<void> take_init(const playlist::InitRecord& init);
  Result<int> open(const std::string& file);
  Result<void> hand_out_chunk(const Piece& piece, const playlist::ChunkRange& chunk, bool& first,
                              bool may_wait);

  const std::string root_;
  const Events events_;
  std::mutex mutex_;  // below
  std::condition_variable changed_;
  std::deque<Piece> pieces_;  // numbered from first_
  uint64_t first_ = 0;
  uint64_t next_ = 0;  // number of the one to be read next
  std::shared_ptr<const playlist::InitRecord> init_;
  std::optional<store::StreamTime> time_;
  Doing doing_ = Doing::nothing;
  bool stopping_ = false;
  Done done_;  // of end(); records have ended
  bool ended_ = false;
  std::thread thread_;

  // The feed's thread.
  UniqueFd file_;
  std::string file_name_;
  std::string init_id_;  // of the caps that were handed out
  fmp4::Presentation tracks_;
  bool told_failure_ = false;
};

}  // namespace headgate::abrhlssink
