// SPDX-License-Identifier: LGPL-2.1-or-later
// A clip published once over one protocol, and all that is to be seen of it: page, playlists, a segment that
// ffmpeg decodes, the archive.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "context.h"
#include "our_runs.h"
#include "program.h"

namespace headgate::preflight {

class PublishedStream {
 public:
  PublishedStream(const Context& context, std::string clip, std::string scratch, std::string site,
                  uint32_t station, OurRuns& runs)
      : context_(context),
        clip_(std::move(clip)),
        scratch_(std::move(scratch)),
        site_(std::move(site)),
        station_(std::to_string(station)),
        runs_(runs) {}

  // Over `protocol` to `url`. `watch`: with the page and `headgate check hls`. What goes wrong is added to
  // `out`; returns what was seen: "1.2 s to the first segment, 200 frames archived".
  std::string publish(const std::string& protocol, const std::string& url, bool watch, Outcome& out);

 private:
  Result<std::string> get(const std::string& path, const char* type) const;
  uint64_t next_segment() const;  // msn; 0: there is no playlist
  Result<double> wait_for_segment(Program& publisher, bool udp, uint64_t first);
  Result<void> decode_segment() const;
  Result<void> look_at_page() const;
  void check_hls(Outcome& out) const;
  Result<std::string> judge_archive(const std::set<std::string>& judged) const;

  const Context& context_;
  const std::string clip_, scratch_, site_, station_;
  OurRuns& runs_;
};

}  // namespace headgate::preflight
