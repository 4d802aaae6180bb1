// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session_marks.h"

#include <common/log.h>
#include <pipeline/build.h>

#include <array>
#include <atomic>
#include <csignal>

namespace headgate::worker {
namespace {

constexpr char kWordProperty[] = "service-word";
constexpr std::array kDeadly = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

thread_local uint64_t thread_session = 0;
// For the handler, which has no other way to them.
std::atomic<wire::Marks*> crash_marks = nullptr;
std::array<struct sigaction, kDeadly.size()> before;

// The faulting instruction runs again behind it, abort() raises its signal again: whoever handled the signal
// before gets it then. Behind a refused system call and a trap the thread would go on.
void on_deadly(int signal) {
  wire::Marks* const marks = crash_marks;
  if (marks && thread_session != 0) marks->note_crash(thread_session);
  for (size_t i = 0; i < kDeadly.size(); ++i)
    if (kDeadly[i] == signal) ::sigaction(signal, &before[i], nullptr);
  if (signal == SIGSYS || signal == SIGTRAP) ::raise(signal);
}

}  // namespace

SessionMarks::SessionMarks(size_t sessions) {
  auto marks = wire::Marks::create(sessions);
  if (marks)
    marks_.emplace(*std::move(marks));
  else
    tools::log_warning("sessions are not marked: " + marks.error().message);
}

SessionMarks::~SessionMarks() {
  wire::Marks* mine = marks_ ? &*marks_ : nullptr;
  if (mine) crash_marks.compare_exchange_strong(mine, nullptr);
  // A pipeline that does not end is left behind with its threads.
  if (mine && marked_ > 0) marks_->leave();
}

void SessionMarks::begin(GstElement* pipeline, const wire::Handoff& handoff) {
  if (!marks_ || !GST_IS_BIN(pipeline)) return;
  const pipeline::PipelinePtr source(gst_bin_get_by_name(GST_BIN(pipeline), pipeline::kSourceName));
  if (!source || !g_object_class_find_property(G_OBJECT_GET_CLASS(source.get()), kWordProperty)) return;
  auto* word = marks_->add(handoff.session, handoff.event, handoff.station);
  if (!word) return;
  ++marked_;
  g_object_set(source.get(), kWordProperty, word, nullptr);
}

void SessionMarks::end(uint64_t session) {
  if (marks_ && marks_->remove(session)) --marked_;
}

void SessionMarks::own_thread(uint64_t session) {
  thread_session = session;
}

void SessionMarks::note_crashes() {
  if (!marks_ || crash_marks.exchange(&*marks_)) return;
  struct sigaction action {};
  action.sa_handler = on_deadly;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kDeadly.size(); ++i) ::sigaction(kDeadly[i], &action, &before[i]);
}

}  // namespace headgate::worker
