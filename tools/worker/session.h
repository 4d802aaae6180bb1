// SPDX-License-Identifier: LGPL-2.1-or-later
// One session: a pipeline from the moment it is built until the reaper has taken it down. Lives in the
// control loop's thread; everything that could wait happens in the reaper's.
#pragma once

#include <feed/history.h>
#include <gst/gst.h>
#include <pipeline/build.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <wire/messages.h>

#include "fills.h"
#include "inbox.h"
#include "link_loss.h"
#include "reaper.h"

namespace headgate::worker {

using pipeline::kSourceName;
using pipeline::ObjectUnref;
using pipeline::PipelinePtr;
using tools::History;

inline constexpr int64_t kEndMs = 4000;  // from the request to end to EOS; then it is cut
// Action signal of elements that encode renditions on demand (docs/elements.md).
inline constexpr char kWantRenditionSignal[] = "want-rendition";
// Of elements that make a picture of a key frame.
inline constexpr char kWantPictureSignal[] = "want-picture";

class Session {
 public:
  // Gives `connection` to the pipeline and starts it. When the pipeline is gone `inbox` has a ClosedEvent.
  static Result<std::unique_ptr<Session>> start(Loop& loop, Reaper& reaper, std::shared_ptr<Inbox> inbox,
                                                PipelinePtr pipeline, const wire::Handoff& handoff,
                                                UniqueFd connection, int64_t grace_ms);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Ends the session from outside: the source lets go, the archive closes its run, then a ClosedEvent
  // with "kick:<reason>".
  void end(const std::string& reason);
  // Asks the publisher to connect anew, there or (empty) where he is, if he has said that he would.
  void ask_to_reconnect(const std::string& url, const std::string& text);
  bool ending() const { return !pipeline_ || !kicked_.empty(); }

  // A viewer asks for a rendition: its pipeline's elements that encode on demand are told, in the reaper's
  // thread.
  void want(const std::string& rendition);
  // Likewise for a picture: a PictureEvent follows, or nothing does.
  void want_picture();

  // A look at the source, for the reaper's thread (the source may be held by its reader thread): posts a
  // StatsEvent. Empty when the session is ending.
  Reaper::Job measure();
  // Likewise at what its archiver's commits cost, which is the same for all sessions: posts a CommitsEvent.
  Reaper::Job measure_commits();

  void on_closing(const ClosingEvent& closing);  // events of the pipeline's bus
  void on_health(HealthEvent health);
  void on_stats(const StatsEvent& stats);
  bool on_ladder(const tools::LadderNews& news);  // true: health() is another
  void on_eos();
  void on_failure(const std::string& text);

  const wire::SessionOpened& opened() const { return opened_; }
  // All of it, once the source has let the connection go.
  const Received& received() const { return received_; }
  // By rendition, the source first. Null: it has no such name, or there are too many.
  History* history(const std::string& rendition);
  const std::map<std::string, History>& histories() const { return histories_; }
  // Name of the run that it records, as its archiver tells it; empty: none yet.
  void note_run(const std::string& run) { run_ = run; }
  const std::string& run() const { return run_; }
  const FillWish& fill() const { return fill_; }
  tools::LadderState& ladder() { return ladder_; }
  const tools::LadderState& ladder() const { return ladder_; }
  const wire::SessionHealth& health() const { return health_; }  // as of now; empty json: none yet

 private:
  Session(Loop& loop, Reaper& reaper, std::shared_ptr<Inbox> inbox, PipelinePtr pipeline,
          const wire::Handoff& handoff, int64_t grace_ms);
  void tell_elements(const char* signal, std::optional<std::string> text);
  void reap();
  void put_health();

  Loop& loop_;
  Reaper& reaper_;
  std::shared_ptr<Inbox> inbox_;
  PipelinePtr pipeline_;  // none: the reaper has it
  wire::SessionOpened opened_;
  wire::SessionHealth health_;
  std::string probed_, link_;  // what of health_.json the probe and the source told; empty: nothing yet
  LinkLoss loss_;
  tools::LadderState ladder_;
  std::map<std::string, History> histories_;
  std::string run_;
  FillWish fill_;
  std::string kicked_;  // reason of end(); empty: nobody asked
  std::string reason_;  // what the pipeline said
  Received received_;
  Loop::TimerId deadline_ = 0;
};

}  // namespace headgate::worker
