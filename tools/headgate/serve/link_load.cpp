// SPDX-License-Identifier: LGPL-2.1-or-later
#include "link_load.h"

#include <base/kernel_text.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

bool has(const fs::path& interface, const char* what) {
  std::error_code error;
  return fs::exists(interface / what, error);
}

// It is made of others: a VLAN, a bridge, a bond, a tunnel over a card.
bool is_made_of_others(const fs::path& interface) {
  std::error_code error;
  return std::any_of(
      fs::directory_iterator(interface, error), fs::directory_iterator(),
      [](const auto& entry) { return entry.path().filename().string().starts_with("lower_"); });
}

}  // namespace

LinkLoad::LinkLoad(std::string sys, int64_t mbps, SpeedOf speed)
    : folder_(std::move(sys) + "/class/net"), mbps_(static_cast<double>(mbps)), speed_(std::move(speed)) {}

std::map<std::string, LinkLoad::Link> LinkLoad::links(int64_t now_ms) const {
  std::map<std::string, Link> real, others;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const fs::path& path = entry.path();
    const auto received = kernel_number(path / "statistics/rx_bytes"),
               sent = kernel_number(path / "statistics/tx_bytes");
    if (!received || !sent || path.filename() == "lo" || has(path, "master/bonding")) continue;
    const auto link = [&](int64_t mbps) {
      return Link{static_cast<double>(mbps), static_cast<double>(*received), static_cast<double>(*sent)};
    };
    if (has(path, "bonding") || has(path, "device"))
      real[path.filename()] = link(mbps_ > 0 ? 0 : speed_(path, now_ms));
    else if (!has(path, "bridge") && !is_made_of_others(path))
      others[path.filename()] = link(0);  // what it says is nobody's measure
  }
  return real.empty() ? others : real;  // a container has nothing else
}

std::optional<double> LinkLoad::percent_of(const std::string& name, const Link& link, int64_t now_ms) {
  auto& window = windows_.try_emplace(name, kLoadWindowMs).first->second;
  window.add(now_ms, {link.received, link.sent});
  const auto change = window.change(kLoadWindowMs / 2);
  if (!change || link.mbps <= 0) return std::nullopt;
  const double bits = std::max(change->count.first, change->count.second) * 8;
  return std::max(0.0, bits / (static_cast<double>(change->ms) * 1000) / link.mbps * 100);
}

std::optional<double> LinkLoad::percent(int64_t now_ms) {
  const auto all = links(now_ms);
  std::erase_if(windows_, [&](const auto& one) { return !one.first.empty() && !all.contains(one.first); });
  if (mbps_ > 0) {
    Link together{mbps_, 0, 0};
    for (const auto& [name, link] : all) {
      together.received += link.received;
      together.sent += link.sent;
    }
    return percent_of("", together, now_ms);
  }
  std::optional<double> worst;
  for (const auto& [name, link] : all)
    if (const auto one = percent_of(name, link, now_ms)) worst = std::max(worst.value_or(0), *one);
  return worst;
}

}  // namespace headgate::serve
