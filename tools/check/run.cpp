// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/run.h>
#include <glib-unix.h>

#include <algorithm>
#include <csignal>

#include <base/clock.h>
#include <base/json_line.h>

namespace headgate::check {

using conformance::Severity;

struct Run::Timer {
  Run* run;
  std::function<void()> call;
  guint id;
};

Run::Run(const Options& options)
    : options_(options), loop_(g_main_loop_new(nullptr, FALSE)), began_us_(system_clock().mono_us()) {}

Run::~Run() {
  client_.stop();
  for (guint id : timers_) g_source_remove(id);
  g_main_loop_unref(loop_);
}

int64_t Run::elapsed_us() const {
  return system_clock().mono_us() - began_us_;
}

void Run::found(const std::string& where, const conformance::Findings& findings) {
  report_.add(where, elapsed_us(), findings);
}

void Run::after(int64_t us, std::function<void()> call) {
  auto* timer = new Timer{this, std::move(call), 0};
  const auto ms = static_cast<guint>(std::clamp<int64_t>((us + 999) / 1000, 0, G_MAXINT));
  timer->id = g_timeout_add_full(
      G_PRIORITY_DEFAULT, ms,
      [](gpointer data) -> gboolean {
        auto* due = static_cast<Timer*>(data);
        due->run->timers_.erase(due->id);
        due->call();
        return G_SOURCE_REMOVE;
      },
      timer, [](gpointer data) { delete static_cast<Timer*>(data); });
  timers_.insert(timer->id);
}

void Run::show() {
  std::vector<std::string> rows = (*rows_)();
  char head[160];
  std::snprintf(head, sizeof head, "%.0f of %.0f s   %s bytes   %llu errors, %llu warnings, %llu notes",
                static_cast<double>(elapsed_us()) / 1e6, options_.duration_s,
                load::short_number(static_cast<double>(client_.bytes())).c_str(),
                static_cast<unsigned long long>(report_.count(Severity::error)),
                static_cast<unsigned long long>(report_.count(Severity::warning)),
                static_cast<unsigned long long>(report_.count(Severity::note)));
  rows.insert(rows.begin(), head);
  block_.show(rows, head);
}

gboolean Run::on_second(gpointer data) {
  static_cast<Run*>(data)->show();
  return G_SOURCE_CONTINUE;
}

void Run::loop(const std::function<std::vector<std::string>()>& rows) {
  const auto quit = [](gpointer data) -> gboolean {
    static_cast<Run*>(data)->end();
    return G_SOURCE_CONTINUE;
  };
  rows_ = &rows;
  const guint sources[] = {g_unix_signal_add(SIGINT, quit, this), g_unix_signal_add(SIGTERM, quit, this),
                           g_timeout_add_seconds(1, &Run::on_second, this)};
  after(static_cast<int64_t>(options_.duration_s * 1e6), [this] { end(); });
  if (!ended_) g_main_loop_run(loop_);
  for (guint id : sources) g_source_remove(id);
  show();
  rows_ = nullptr;
  client_.stop();
}

void Run::end() {
  ended_ = true;
  g_main_loop_quit(loop_);
}

int conclude(Run& run, const Options& options, const char* standard, const std::string& unreachable,
             const std::string& playlists) {
  const Report& report = run.report();
  if (options.json) {
    JsonLine line;
    line.field("url", options.url)
        .field("seconds", static_cast<double>(run.elapsed_us()) / 1e6)
        .field("reachable", unreachable.empty())
        .field("problem", unreachable)
        .field("errors", report.count(Severity::error))
        .field("warnings", report.count(Severity::warning))
        .field("notes", report.count(Severity::note))
        .raw("playlists", playlists)
        .raw("findings", report.json());
    std::puts(line.take().c_str());
  } else {
    report.print(stdout, standard);
    if (unreachable.empty() && report.clean()) std::puts("nothing was found that breaks a rule");
  }
  if (!unreachable.empty()) {
    std::fprintf(stderr, "headgate check: %s: %s\n", options.url.c_str(), unreachable.c_str());
    return 2;
  }
  return report.clean() ? 0 : 1;
}

}  // namespace headgate::check
