// SPDX-License-Identifier: LGPL-2.1-or-later
// What takes long to find out, or may hang, is looked at in a thread of its own (aside.h), and who asks gets
// what was seen last. Whoever asks shares it: nothing is looked at more often than each so many ms.
#pragma once

#include <base/guarded.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <guard/aside.h>

namespace headgate::guard {

inline constexpr int64_t kForgetLookMs = 60'000;  // since somebody asked
inline constexpr size_t kMaxLookedAt = 4096;      // things; more are not looked at

// One thread asks for things by their keys; the looks are taken in another, one at a time, which there is
// from the first question on. One that hangs holds up no other's.
template <typename Key, typename What>
class Looks {
 public:
  // Of the thing, now, in the calling thread, which may have to wait. It may outlive this object.
  using Look = std::function<What(const Key&)>;
  struct Seen {
    What look;
    int64_t age_ms = 0;  // since it was asked for
  };

  // `age_ms`: what is so old is looked at again. `thread`: its name, of at most 15 bytes.
  Looks(Look look, int64_t age_ms, const char* thread)
      : look_(std::move(look)), age_ms_(age_ms), answers_(std::make_shared<Answers>()), aside_(thread) {}

  // Never waits. Nothing: it was not looked at yet. `now_ms` never goes back.
  std::optional<Seen> of(const Key& key, int64_t now_ms);

 private:
  using Answers = Guarded<std::vector<std::pair<Key, What>>>;
  struct Thing {
    std::optional<What> look;
    int64_t looked_ms = 0;  // when the last one was asked for that has come
    int64_t asked_ms = 0;   // the last one
    int64_t wanted_ms = 0;  // when somebody wanted to know
    bool waiting = false;   // for the last one
  };
  void take_answers();
  void forget_old(int64_t now_ms);

  const Look look_;
  const int64_t age_ms_;
  const std::shared_ptr<Answers> answers_;
  std::map<Key, Thing> things_;
  int64_t forgot_ms_ = 0;
  Aside aside_;
};

template <typename Key, typename What>
std::optional<typename Looks<Key, What>::Seen> Looks<Key, What>::of(const Key& key, int64_t now_ms) {
  aside_.look(now_ms);
  take_answers();
  forget_old(now_ms);
  if (things_.size() >= kMaxLookedAt && !things_.contains(key)) return std::nullopt;
  auto [place, first] = things_.try_emplace(key);
  Thing& thing = place->second;
  thing.wanted_ms = now_ms;
  if (first || (!thing.waiting && now_ms - thing.asked_ms >= age_ms_)) {
    thing.asked_ms = now_ms;
    thing.waiting = true;
    aside_.run([look = look_, answers = answers_, key] {
      What seen = look(key);
      answers->lock()->emplace_back(key, std::move(seen));
    });
  }
  if (!thing.look) return std::nullopt;
  return Seen{*thing.look, now_ms - thing.looked_ms};
}

template <typename Key, typename What>
void Looks<Key, What>::take_answers() {
  std::vector<std::pair<Key, What>> answers;
  answers.swap(*answers_->lock());
  for (auto& [key, look] : answers) {
    auto found = things_.find(key);
    if (found == things_.end()) continue;
    found->second.look = std::move(look);
    found->second.looked_ms = found->second.asked_ms;
    found->second.waiting = false;
  }
}

// One that is waited for stays, so that there is never a second question about it.
template <typename Key, typename What>
void Looks<Key, What>::forget_old(int64_t now_ms) {
  if (now_ms - forgot_ms_ < kForgetLookMs) return;
  forgot_ms_ = now_ms;
  std::erase_if(things_, [&](const auto& one) {
    return !one.second.waiting && now_ms - one.second.wanted_ms >= kForgetLookMs;
  });
}

}  // namespace headgate::guard
