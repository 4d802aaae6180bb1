// SPDX-License-Identifier: LGPL-2.1-or-later
#include "description_watch.h"

#include <base/json_line.h>
#include <common/log.h>

#include <utility>

#include "check.h"

namespace headgate::serve {
namespace {

const std::string kNotKept =
    "should the descriptions be wrong when the node is started the next time, there may be no good ones: ";

}  // namespace

DescriptionWatch::DescriptionWatch(Loop& loop, Tasks& tasks, std::string source,
                                   const std::string& runtime_dir, const std::string& data,
                                   std::function<Program()> check, std::function<void(bool)> changed,
                                   int64_t limit_ms)
    : loop_(loop),
      tasks_(tasks),
      descriptions_(std::move(source), runtime_dir, data),
      keeper_([data](const DescriptionTexts& texts, bool anyway) {
        return Descriptions::keep(texts, data, anyway);
      }),
      check_(std::move(check)),
      changed_(std::move(changed)),
      limit_ms_(limit_ms) {}

DescriptionWatch::~DescriptionWatch() {
  loop_.cancel(timer_);
}

void DescriptionWatch::check_first(std::function<void(bool good)> done) {
  descriptions_.changed();
  check(descriptions_.copy(), descriptions_.source(), std::move(done));
}

void DescriptionWatch::begin(std::function<void(bool good)> done) {
  check_first([this, done](bool good) {
    if (good || !descriptions_.any_kept()) return done(good);
    const std::string reason = refused_;
    check(descriptions_.copy_kept(), descriptions_.kept(), [this, done, reason](bool kept_good) {
      refused_ = reason;
      if (kept_good)
        tools::log_error("the pipeline descriptions are wrong, the last good ones (" + descriptions_.kept() +
                         ") are in use: " + reason);
      done(kept_good);
    });
  });
}

void DescriptionWatch::check(Result<std::string> copy, const std::string& of,
                             std::function<void(bool good)> done) {
  if (!copy) {
    refused_ = copy.error().message;
    tools::log_error(refused_);
    return done(false);
  }
  Program program = check_();
  for (const std::string& word :
       {std::string("--pipelines"), *copy, std::string("--told-as"), of, std::string("--check")})
    program.arguments.push_back(word);
  checking_ = true;
  run_check(tasks_, std::move(program), limit_ms_, [this, done, folder = *copy](const CheckEnd& end) {
    checking_ = false;
    refused_ = end.good() ? "" : end.reason("the check");
    if (!end.good())
      Descriptions::drop(folder);
    else if (auto used = descriptions_.use(folder); !used)
      refused_ = used.error().message;
    else
      keep();
    done(refused_.empty());
  });
}

void DescriptionWatch::keep() {
  if (auto texts = description_texts(descriptions_.in_use()); texts)
    keeper_.keep(*std::move(texts));
  else
    tools::log_warning(kNotKept + texts.error().message);
}

void DescriptionWatch::watch() {
  timer_ = loop_.every_ms(kLookMs, [this] { look(); });
}

void DescriptionWatch::look() {
  if (const auto kept = keeper_.look(); !kept) tools::log_warning(kNotKept + kept.error().message);
  if (checking_ || stopped_ || !descriptions_.changed()) return;
  check(descriptions_.copy(), descriptions_.source(), [this](bool good) {
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
