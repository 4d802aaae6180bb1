// SPDX-License-Identifier: LGPL-2.1-or-later
#include "description_watch.h"

#include <base/json_line.h>
#include <common/log.h>

#include <utility>

#include "check.h"

namespace headgate::serve {

DescriptionWatch::DescriptionWatch(Loop& loop, Tasks& tasks, std::string source, std::string runtime_dir,
                                   std::function<Program()> check, std::function<void(bool)> changed,
                                   int64_t limit_ms)
    : loop_(loop),
      tasks_(tasks),
      descriptions_(std::move(source), std::move(runtime_dir)),
      check_(std::move(check)),
      changed_(std::move(changed)),
      limit_ms_(limit_ms) {}

DescriptionWatch::~DescriptionWatch() {
  loop_.cancel(timer_);
}

void DescriptionWatch::check_first(std::function<void(bool good)> done) {
  descriptions_.changed();
  check(std::move(done));
}

void DescriptionWatch::check(std::function<void(bool good)> done) {
  auto copy = descriptions_.copy();
  if (!copy) {
    refused_ = copy.error().message;
    tools::log_error(refused_);
    return done(false);
  }
  Program program = check_();
  for (const std::string& word : {std::string("--pipelines"), *copy, std::string("--told-as"),
                                  descriptions_.source(), std::string("--check")})
    program.arguments.push_back(word);
  checking_ = true;
  run_check(tasks_, std::move(program), limit_ms_, [this, done, folder = *copy](const CheckEnd& end) {
    checking_ = false;
    refused_ = end.good() ? "" : end.reason("the check");
    if (auto used = end.good() ? descriptions_.use(folder) : Result<void>(); !used)
      refused_ = used.error().message;
    if (!refused_.empty()) descriptions_.drop(folder);
    done(refused_.empty());
  });
}

void DescriptionWatch::watch() {
  timer_ = loop_.every_ms(kLookMs, [this] { look(); });
}

void DescriptionWatch::look() {
  if (checking_ || stopped_ || !descriptions_.changed()) return;
  check([this](bool good) {
    if (stopped_) return;
    if (good)
      tools::log_notice("new pipeline descriptions, for sessions that begin from now on");
    else
      tools::log_error("the pipeline descriptions are wrong, those before stay in use: " + refused_);
    changed_(good);
  });
}

void DescriptionWatch::stop() {
  stopped_ = true;
  loop_.cancel(std::exchange(timer_, 0));
}

std::string DescriptionWatch::json() const {
  JsonLine out;
  out.field("folder", descriptions_.source()).field("state", refused_.empty() ? "good" : "refused");
  if (!refused_.empty()) out.field("reason", refused_);
  return out.take();
}

}  // namespace headgate::serve
