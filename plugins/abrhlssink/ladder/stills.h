// SPDX-License-Identifier: LGPL-2.1-or-later
// Small pictures for seek bars and lists: one JPEG for each segment, of the smallest picture that the ladder
// has anyway. They are a rendition like the others, kPictures.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "ladder/rendition_out.h"
#include "ladder/scaler.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

inline constexpr char kPictures[] = "pictures";
inline constexpr uint32_t kPictureSide = 320;  // pixels of the longer side
inline constexpr int kPictureQuality = 75;     // of JPEG: 5 to 15 kB each

// Of one thread, but for release().
class Stills {
 public:
  explicit Stills(UnitSink sink) : sink_(std::move(sink)) {}
  ~Stills();  // stop()
  Stills(const Stills&) = delete;

  // A picture that begins a segment at `time_ns` (running time). Never waits: one for which there is no room
  // is left out. Error: there can be none of pictures like this, told once.
  Result<void> take(GstBuffer* picture, const GstVideoInfo& info, int64_t time_ns);
  // All that was taken comes out; `reason` as UnitSink::end() has it.
  void finish(const std::string& reason);
  void release();  // finish() waits no more
  void stop();

 private:
  Result<void> start(const GstVideoInfo& info);
  void came(GstSample* sample);
  void over();

  const UnitSink sink_;
  GstVideoInfo from_{};
  bool known_ = false;  // from_ is what comes
  std::unique_ptr<Scaler> scaler_;
  bool told_ = false;  // the track, of this stage
  std::mutex mutex_;   // below; a leaf
  std::condition_variable changed_;
  bool ended_ = false, released_ = false;
  std::unique_ptr<Stage> stage_;
};

}  // namespace headgate::abrhlssink
