// SPDX-License-Identifier: LGPL-2.1-or-later
#include "connections.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace headgate::control {

bool Connections::has_place() const {
  return all_.size() < kMaxConnections ||
         std::any_of(all_.begin(), all_.end(), [](const auto& one) { return !one.second.known; });
}

Connections::All::iterator Connections::close(All::iterator one) {
  const auto close = std::move(one->second.close);
  one = all_.erase(one);
  close();
  return one;
}

// Of an address that has too many its own oldest, so that a flood drives out none but itself.
void Connections::make_place(const std::string& address) {
  auto oldest = [&](auto which) {
    return std::find_if(all_.begin(), all_.end(),
                        [&](const auto& one) { return !one.second.known && which(one.second); });
  };
  auto of_address = [&](const Connection& one) { return one.address == address; };
  const auto strangers = std::count_if(
      all_.begin(), all_.end(), [&](const auto& one) { return !one.second.known && of_address(one.second); });
  if (static_cast<size_t>(strangers) >= kMaxStrangers) {
    close(oldest(of_address));
  } else if (all_.size() >= kMaxConnections) {
    // Of an address that has most, with the new one: however long somebody else has been there.
    std::map<std::string_view, size_t> of{{address, 1}};
    for (const auto& [id, one] : all_)
      if (!one.known) ++of[one.address];
    size_t most = 0;
    for (const auto& [id, one] : all_)
      if (!one.known) most = std::max(most, of[one.address]);
    const auto goes = oldest([&](const Connection& one) { return of[one.address] == most; });
    if (goes != all_.end()) close(goes);
  }
}

Connections::Id Connections::add(const std::string& address, bool known, std::function<void()> close) {
  make_place(address);
  all_.emplace(++last_, Connection{address, "", known, clock_.mono_us() + kHeadersUs, std::move(close)});
  return last_;
}

bool Connections::has_headers(Id id, const std::string& token) {
  const auto one = all_.find(id);
  if (one == all_.end()) return true;  // it is being closed
  one->second.until_us = clock_.mono_us() + kBodyUs;
  if (token.empty()) return true;
  const auto others =
      std::count_if(all_.begin(), all_.end(), [&](const auto& other) { return other.second.token == token; });
  if (static_cast<size_t>(others) >= kMaxOfToken) return false;
  one->second.token = token;
  one->second.known = true;
  return true;
}

void Connections::has_body(Id id) {
  if (const auto one = all_.find(id); one != all_.end() && one->second.known) one->second.until_us = 0;
}

void Connections::remove(Id id) {
  all_.erase(id);
}

void Connections::recheck(const std::function<bool(const std::string& token)>& known) {
  for (auto& [id, one] : all_) {
    if (one.token.empty() || known(one.token)) continue;
    one.token.clear();
    one.known = false;
    one.until_us = clock_.mono_us() + kBodyUs;
  }
}

void Connections::close_overdue() {
  const int64_t now = clock_.mono_us();
  for (auto one = all_.begin(); one != all_.end();)
    one = one->second.until_us != 0 && one->second.until_us <= now ? close(one) : std::next(one);
}

}  // namespace headgate::control
