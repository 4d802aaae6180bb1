// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder_input.h"

#include <utility>

#include "common/trampoline.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

LadderInput::LadderInput(GstElement* element, LadderSettings settings, Take take, std::function<void()> wake)
    : element_(element) {
  Ladder::Events events;
  events.records = std::move(take);
  events.wake = std::move(wake);
  events.news = [this](const RungNews& news) { tell(news); };
  ladder_ = std::make_unique<Ladder>(std::move(settings), std::move(events));
}

LadderInput::~LadderInput() = default;

void LadderInput::tell(const RungNews& news) {
  if (std::string_view(news.state) == "failed")
    GST_ELEMENT_WARNING(
        element_, STREAM, ENCODE,
        ("Rung %s: %s", news.rendition.empty() ? "(all)" : news.rendition.c_str(), news.reason.c_str()),
        (nullptr));
  else
    GST_INFO_OBJECT(element_, "rung %s %s %s", news.rendition.c_str(), news.state, news.reason.c_str());
  GstStructure* fields =
      gst_structure_new("headgate-ladder", "rendition", G_TYPE_STRING, news.rendition.c_str(), "state",
                        G_TYPE_STRING, news.state, "reason", G_TYPE_STRING, news.reason.c_str(), nullptr);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT_CAST(element_), fields));
}

void LadderInput::session(codec::Kind kind, const store::RunInfo& info) {
  ladder_->renditions().source(info.event, info.station);
  ladder_->session(kind);
}

GstStructure* LadderInput::stats() const {
  const LadderStats stats = ladder_->stats();
  std::string running;
  for (const std::string& name : stats.running) running += (running.empty() ? "" : ",") + name;
  return gst_structure_new("ladder", "running", G_TYPE_STRING, running.c_str(), "pictures", G_TYPE_UINT64,
                           guint64{stats.pictures}, "dropped-frames", G_TYPE_UINT64,
                           guint64{stats.dropped_frames}, "waiting-ms", G_TYPE_INT64,
                           gint64{stats.waiting_ms}, nullptr);
}

}  // namespace headgate::abrhlssink
