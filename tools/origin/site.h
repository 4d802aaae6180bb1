// SPDX-License-Identifier: LGPL-2.1-or-later
// What the node answers to which path (docs/api.md). Paths are taken apart into numbers and known names;
// nothing of them becomes a file name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "catalog.h"
#include "demand.h"
#include "events.h"
#include "live.h"
#include "media_files.h"
#include "pages.h"
#include "pictures.h"
#include "renditions.h"
#include "reply.h"
#include "views.h"

namespace headgate::origin {

class Site {
 public:
  Site(Catalog& catalog, MediaFiles& media, Views& views, Events& events, Demand& demand,
       Posters::Want want_picture)
      : catalog_(catalog),
        media_(media),
        views_(views),
        events_(events),
        live_(media),
        renditions_(catalog, media, live_, demand),
        pictures_(catalog, media, live_, std::move(want_picture)) {}

  // Answers GET and HEAD, now or later.
  void handle(SoupServerMessage* message, const std::string& path);
  // The same for paths under /hls/ and /dash/.
  void media(const AnswerPtr& answer, const std::string& path, const std::string& query);

 private:
  using Words = std::vector<std::string>;
  void api(SoupServerMessage* message, const Words& words);
  void hls(const AnswerPtr& answer, uint32_t station, const std::string& name, const std::string& query);
  void playlist(const AnswerPtr& answer, uint32_t station, const std::string& query);
  void replay(const AnswerPtr& answer, uint32_t station);
  void part(const AnswerPtr& answer, uint32_t station, const PartRequest& request);
  bool file(const AnswerPtr& answer, uint32_t station, const std::string& name, const std::string& letter,
            playlist::View view);
  void segment(const AnswerPtr& answer, uint32_t station, uint64_t msn, playlist::View view);
  void init(const AnswerPtr& answer, uint32_t station, const std::string& id, playlist::View view);

  Catalog& catalog_;
  MediaFiles& media_;
  Views& views_;
  Events& events_;
  Live live_;
  RenditionSite renditions_;
  Pictures pictures_;
  Pages pages_;
};

}  // namespace headgate::origin
