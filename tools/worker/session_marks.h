// SPDX-License-Identifier: LGPL-2.1-or-later
// For which session a thread of this worker is at work, where the supervisor sees it (wire/marks.h): it looks
// for threads that stand still, and when the worker has died, for whose media that was.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <wire/marks.h>
#include <wire/messages.h>

namespace headgate::worker {

// In the loop's thread, but for what is static.
class SessionMarks {
 public:
  // Room for that many sessions at a time. Without memory for it nothing is marked.
  explicit SessionMarks(size_t sessions);
  SessionMarks(const SessionMarks&) = delete;
  SessionMarks& operator=(const SessionMarks&) = delete;
  ~SessionMarks();

  // Before the pipeline runs. A source without the property "service-word" is not marked.
  void begin(GstElement* pipeline, const wire::Handoff& handoff);
  void end(uint64_t session);  // its pipeline is gone
  int fd() const { return marks_ ? marks_->fd() : -1; }

  // The calling thread is this session's alone from now on; 0: nobody's again.
  static void own_thread(uint64_t session);
  // From now on a signal that ends the process (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP)
  // first notes whose thread it came to; then happens what would have without.
  void note_crashes();

 private:
  std::optional<wire::Marks> marks_;
  size_t marked_ = 0;  // sessions that have begun and not ended
};

}  // namespace headgate::worker
