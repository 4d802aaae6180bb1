// SPDX-License-Identifier: LGPL-2.1-or-later
// The written side of a ladder: a store::DerivedWriter per rendition behind one lock, fed by encoders'
// threads and by what the source's writer tells. Thread-safe. Records are handed out in order and without a
// lock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>
#include <store/derived.h>

#include "common/outbox.h"
#include "ladder/rendition_out.h"

namespace headgate::abrhlssink {

struct RenditionSettings {
  std::string root;  // of the source's store: renditions are under it
  std::string node = "n01";
  uint32_t event = 0, station = 0;
  int64_t keep_ms = 0;  // 0: never removed by the volume
};

class Renditions {
 public:
  struct Out {
    std::string rendition;
    std::vector<playlist::Record> records;
    std::string error;  // not empty: its media is not being written, and why; told when it changes
  };
  // `wake`: advance() has something to do; called on a thread of the store.
  Renditions(RenditionSettings settings, std::function<void(std::vector<Out>&&)> deliver,
             std::function<void()> wake);
  ~Renditions();  // close()

  // Encoders' side.
  void track(const std::string& rendition, const codec::Track& track);
  void unit(const std::string& rendition, store::DerivedUnit unit);
  // With a reason it ends now; without, the encoder has given all that it had, and it ends with the source.
  void end(const std::string& rendition, const std::string& reason);
  UnitSink sink();
  // What a rendition is and does, in front of its other records.
  void tell(const std::string& rendition, const playlist::RenditionRecord& record);

  // The source's side.
  void source_time(const store::StreamTime& time);
  void source_records(const std::vector<playlist::Record>& records);
  // So many of the source's newest parts are remembered; few are enough while nothing is written.
  void keep(size_t parts);
  // Nothing is written for now: the volumes are let go, with their threads.
  void rest();
  // Another event and station: what is being written ends.
  void source(uint32_t event, uint32_t station);
  void advance();
  // Every run is open that something waits for, and all records were delivered. settle() waits for that, so
  // long at most; false: release() was called.
  bool settled() const;
  bool settle(std::chrono::milliseconds longest);
  void release();
  // Ends all.
  void close(const std::string& reason);

 private:
  struct Rendition {
    std::unique_ptr<store::DerivedWriter> writer;
    std::string error;
  };
  void open_volume(const std::string& name);
  void advance(const std::string& name, Rendition& rendition, bool drained);
  void put(const std::string& name, const playlist::Record& record);
  void note(const std::string& name, Rendition& rendition, const Result<void>& result);
  void deliver();
  bool is_settled() const;

  RenditionSettings settings_;
  const std::function<void(std::vector<Out>&&)> deliver_;
  const std::function<void()> wake_;
  gst::Outbox<Out> outbox_;
  mutable std::mutex mutex_;  // below; before the outbox's
  std::condition_variable changed_;
  bool released_ = false;
  bool placed_ = false;  // event and station were told; records may have come before
  std::shared_ptr<store::DerivedSource> source_;
  size_t kept_parts_ = store::kMaxBoundaries;
  std::map<std::string, Rendition> renditions_;
  std::map<std::string, std::shared_ptr<store::Volume>> volumes_;
};

}  // namespace headgate::abrhlssink
