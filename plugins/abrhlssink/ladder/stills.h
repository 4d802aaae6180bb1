// SPDX-License-Identifier: LGPL-2.1-or-later
// Small pictures for seek bars and lists: one JPEG for each segment, of the smallest picture that the ladder
// has anyway. They are a rendition like the others, kPictures.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <condition_variable>
#include <functional>
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
  // I420 in, JPEG out. Null: it is not installed.
  using MakeEncoder = std::function<gst::Ref<GstElement>()>;
  static gst::Ref<GstElement> jpegenc();

  explicit Stills(UnitSink sink, MakeEncoder make_encoder = &jpegenc, OnThread on_thread = {})
      : sink_(std::move(sink)), make_encoder_(std::move(make_encoder)), on_thread_(std::move(on_thread)) {}
  ~Stills();  // stop()
  Stills(const Stills&) = delete;

  // A picture that begins a segment at `time_ns` (running time). Never waits: one for which there is no room
  // is left out. Error: there can be none of pictures like this; or the last one failed, and the encoder
  // begins anew with this one. Told once, until one comes out again.
  Result<void> take(GstBuffer* picture, const GstVideoInfo& info, int64_t time_ns);
  // All that was taken comes out; `reason` as UnitSink::end() has it.
  void finish(const std::string& reason);
  void release();  // finish() waits no more
  void stop();

 private:
  Result<void> start(const GstVideoInfo& info);
  Result<void> scale_and_push(GstBuffer* picture, int64_t time_ns);
  Result<void> told_once(Result<void> result);
  void came(GstSample* sample);
  void failed(const std::string& why);
  void over();

  const UnitSink sink_;
  const MakeEncoder make_encoder_;
  const OnThread on_thread_;
  GstVideoInfo from_{};
  bool known_ = false;  // from_ is what comes
  std::unique_ptr<Scaler> scaler_;
  bool told_ = false;  // the track, of this stage
  std::mutex mutex_;   // below; a leaf
  std::condition_variable changed_;
  bool ended_ = false, released_ = false;
  std::string failure_;            // of the stage; empty: it goes on
  bool has_told_failure_ = false;  // and nothing has come out since
  std::unique_ptr<Stage> stage_;
};

}  // namespace headgate::abrhlssink
