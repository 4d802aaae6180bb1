// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream's small pictures (docs/api.md, Pictures): each as a JPEG, sheets of them, the newest one, and the
// storyboard. They are the stored segments of a rendition, kPictures, each of which is one JPEG in boxes. In
// the loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "catalog.h"
#include "live.h"
#include "media_files.h"
#include "posters.h"
#include "reply.h"
#include "sheets.h"

namespace headgate::origin {

inline constexpr char kPictures[] = "pictures";  // the rendition

class Pictures {
 public:
  Pictures(Catalog& catalog, MediaFiles& media, Live& live, Posters::Want want)
      : catalog_(catalog),
        media_(media),
        live_(live),
        sheets_(media.loop(), media.root()),
        posters_(media.loop(), catalog, std::move(want)) {}

  // /hls/<station>/<name>. False: it is none of these, and nothing was done.
  bool answer(const AnswerPtr& answer, uint32_t station, const std::string& name);
  // /hls/<station>/pictures/<name>, likewise: playlists, JPEGs and sheets. Its media is as any rendition's.
  bool answer_track(const AnswerPtr& answer, uint32_t station, const std::string& name,
                    const std::string& query);

 private:
  void picture(const AnswerPtr& answer, uint32_t station, uint64_t msn);
  void sheet(const AnswerPtr& answer, uint32_t station, uint64_t number);
  bool send_sheet(const AnswerPtr& answer, const playlist::StreamIndex& pictures, uint64_t number);
  void poster(const AnswerPtr& answer, uint32_t station);
  void storyboard(const AnswerPtr& answer, uint32_t station);
  void send(const AnswerPtr& answer, const playlist::SegmentRecord& record, const char* cache);

  Catalog& catalog_;
  MediaFiles& media_;
  Live& live_;
  Sheets sheets_;
  Posters posters_;
};

// The newest one that the stream has; null: none.
const playlist::SegmentRecord* newest_picture(const Stream& stream);

}  // namespace headgate::origin
