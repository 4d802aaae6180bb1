// SPDX-License-Identifier: LGPL-2.1-or-later
// Derived renditions: the rungs of a ladder, encoded from a stream that is being written (RunWriter) and
// written beside it, each in a volume of its own, <root>/derived/<rendition>, that is no evidence and has a
// retention. A rung's runs follow the source's: segment N of the rung has the number, the discontinuity
// sequence, the wall-clock time and the media time of segment N of the source, and its parts end where the
// source's do. Boundaries are not guessed: they are the source's own records, which come when the source's
// part is complete (its duration behind its first frame).
//
//   auto volume = Volume::open(derived_volume(root, "720p", node, keep_ms));
//   auto source = std::make_shared<DerivedSource>();  // one for each stream
//   source->set_time(time), source->add(record);      // all that its writer tells, in order
//   auto rung = DerivedWriter::start(*volume, source, settings, on_record, on_opened);
//   rung->configure(track), rung->push(unit);         // as its encoder gives them, in decode order
//   rung->advance();                                  // every rung: after source->add(), after on_opened
//   rung->drain(), rung->end("paused");               // to encode again another writer is started
//
// Who encodes forces a key frame at each key frame of the source (which of them begin a segment is known
// later), or at those of them that packager rules make a boundary (fmp4::PackagerSettings). A segment of the
// source whose first picture is no key frame of the rung is left out of the rung, unless the rung has all of
// the one before it: then it is written, and told as not independent. What is left out shows as EXT-X-GAP to
// players; nothing has to be done for that.
//
// Not thread-safe: one lock over a source and all its rungs. Nothing here waits for a disk beyond the page
// cache, save that who lets go of a volume last waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/holder.h>
#include <base/result.h>
#include <codec/track.h>
#include <playlist/record.h>
#include <playlist/rendition.h>
#include <store/run_writer.h>
#include <store/stream_time.h>

namespace headgate::store {

inline constexpr char kDerivedFolder[] = "derived";  // under a root: <rendition>/lta/…
// A rung that is further behind its source than so many parts loses what is older.
inline constexpr size_t kMaxBoundaries = 512;
// Encoded and not written yet, of one rung: beyond, the oldest is left out.
inline constexpr size_t kMaxDerivedBytes = 32u << 20;
// A picture that is to begin a segment may be so far from where the source's stands (a frame rate that was
// made constant).
inline constexpr int64_t kBoundarySlackMs = 25;

// Settings of a rendition's volume: not durable, no reserve; media is removed `keep_ms` after it was written
// (0: never), a few files at a time.
VolumeSettings derived_volume(const std::string& root, const std::string& rendition, const std::string& node,
                              int64_t keep_ms);

// Renditions that have a volume under `root`, ascending.
std::vector<std::string> list_renditions(const std::string& root);
// Removes what their volumes keep no longer, also of those that no process has open. Returns how many files.
size_t remove_old_renditions(const std::string& root, int64_t now_utc_us);

// What the source's writer told: its runs and where their parts begin and end.
class DerivedSource {
 public:
  DerivedSource();
  ~DerivedSource();
  DerivedSource(const DerivedSource&) = delete;
  DerivedSource& operator=(const DerivedSource&) = delete;

  // Every record, from any on.
  void add(const playlist::Record& record);
  // Of the run whose RunRecord was the last one added; before its first part.
  void set_time(const StreamTime& time);
  // Remembers so many parts (at first kMaxBoundaries): while no rung is written, few are enough.
  void keep(size_t parts);

 private:
  friend class DerivedWriter;
  struct State;
  std::unique_ptr<State> state_;
};

struct DerivedSettings {
  uint32_t event = 0, station = 0;
  std::string rendition;     // playlist::valid_rendition()
  int64_t file_ms = 60'000;  // short, so that what is removed goes in small steps
};

// One encoded access unit. Running time, in the source's pipeline.
struct DerivedUnit {
  int64_t dts_ns = 0, pts_ns = 0;
  uint32_t duration = 0;  // ticks of its track; 0: not known. Used only where no next unit tells
  bool key = false;       // video; audio always is
  Bytes data;             // as fmp4::AccessUnit
  Holder holder;
};

struct DerivedStats {
  uint64_t segments = 0, parts = 0, bytes = 0, units = 0;  // written
  uint64_t dropped_units = 0;                              // of segments that are left out
  int64_t newest_pts = INT64_MIN;                          // end of the latest part, playlist::kTimescale
};

// One track. Its run on disk is opened when the first segment is there, and anew with the source's next run;
// it ends with the source's, or with end().
class DerivedWriter {
 public:
  using OnRecord = RunWriter::OnRecord;  // from within push(), advance(), drain(), end()
  using OnOpened = RunWriter::OnOpened;  // on the volume's thread: advance() has something to do
  static std::unique_ptr<DerivedWriter> start(std::shared_ptr<Volume> volume,
                                              std::shared_ptr<DerivedSource> source,
                                              const DerivedSettings& settings, OnRecord on_record,
                                              OnOpened on_opened = nullptr);
  ~DerivedWriter();  // end("abandoned")
  DerivedWriter(const DerivedWriter&) = delete;
  DerivedWriter& operator=(const DerivedWriter&) = delete;

  // Units that follow are of this; the first before any push(). A changed one begins a new file with the next
  // unit, which has to be a key frame.
  void configure(const codec::Track& track);
  // Decode order; DTS grows.
  void push(DerivedUnit unit);
  // Writes what the source's boundaries allow. ENOSPC, EIO: the volume does not take it (RunWriter::write);
  // what should have been written is left out, and it goes on by itself where it can. The same again is told
  // by the same error.
  Result<void> advance();
  // The encoder has given all that it had: waits for no more units, until the next push().
  Result<void> drain();
  // Writes nothing more. What of an open segment is there stays, and is told.
  void end(const std::string& reason);
  // The source's boundaries that this rung has not reached, in media time: how far it is behind.
  int64_t behind_ms() const;
  // What is here waits for its run to be opened: on_opened follows.
  bool is_opening() const;
  const DerivedStats& stats() const;

 private:
  struct State;
  explicit DerivedWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::store
