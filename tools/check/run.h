// SPDX-License-Identifier: LGPL-2.1-or-later
// What a check runs on: HTTP, timers, the report, the clock. One thread, the default main context.
#pragma once

#include <check/http_client.h>
#include <check/report.h>
#include <load/terminal.h>

#include <functional>
#include <set>

namespace headgate::check {

struct Options {
  std::string url;
  double duration_s = 60;
  int64_t variants = 0;  // 0: all
  bool json = false;
};

class Run {
 public:
  explicit Run(const Options& options);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  HttpClient& client() { return client_; }
  Report& report() { return report_; }
  void found(const std::string& where, const conformance::Findings& findings);
  // Once, later; not after loop() has returned.
  void after(int64_t us, std::function<void()> call);
  // Until the duration is over, a signal (SIGINT, SIGTERM) or end(). `rows`: label and values, for the
  // screen.
  void loop(const std::function<std::vector<std::string>()>& rows);
  void end();
  int64_t elapsed_us() const;

 private:
  struct Timer;
  static gboolean on_second(gpointer data);
  void show();

  Options options_;
  HttpClient client_;
  Report report_;
  load::LiveBlock block_;
  GMainLoop* loop_;
  std::set<guint> timers_;
  int64_t began_us_;
  bool ended_ = false;
  const std::function<std::vector<std::string>()>* rows_ = nullptr;
};

// What is printed at the end, and the exit status: 0 clean, 1 findings, 2 `unreachable`.
// `standard`: whose clauses the rules name; `playlists`: a JSON array of what was read.
int conclude(Run& run, const Options& options, const char* standard, const std::string& unreachable,
             const std::string& playlists);

}  // namespace headgate::check
