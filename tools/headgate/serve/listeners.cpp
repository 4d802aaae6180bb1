// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listeners.h"

#include <base/io.h>
#include <common/listeners.h>
#include <sys/mman.h>

#include <algorithm>

namespace headgate::serve {

void NodeListeners::take(const std::string& name, UniqueFd fd) {
  auto& fds = fds_[name];
  auto taken = tools::bound_address(fd.get());
  const bool there = std::any_of(fds.begin(), fds.end(), [&](const UniqueFd& one) {
    auto bound = tools::bound_address(one.get());
    return bound && taken ? *bound == *taken : !bound && !taken;  // of a memory there is one
  });
  if (!there) fds.push_back(std::move(fd));
}

Result<void> NodeListeners::open_missing(const std::string& name, const std::string& ports, Kind kind) {
  if (fds_.count(name) != 0) return {};
  std::vector<UniqueFd> fds;
  for (const std::string& address : tools::addresses_of(ports)) {
    auto fd = kind == Kind::kTcp ? tools::listen_tcp(address) : tools::bind_udp(address);
    if (!fd) return Unexpected("--" + name + ": " + fd.error().message);
    fds.push_back(*std::move(fd));
  }
  if (!fds.empty()) fds_.emplace(name, std::move(fds));
  return {};
}

Result<void> NodeListeners::open_memory(const std::string& name) {
  if (fds_.count(name) != 0) return {};
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC));
  if (!fd) return errno_error("memfd_create");
  fds_[name].push_back(std::move(fd));
  return {};
}

bool NodeListeners::close(const std::string& name) {
  return fds_.erase(name) > 0;
}

std::vector<int> NodeListeners::fds(const std::string& name) const {
  std::vector<int> out;
  if (auto found = fds_.find(name); found != fds_.end())
    for (const UniqueFd& fd : found->second) out.push_back(fd.get());
  return out;
}

std::vector<std::pair<std::string, int>> NodeListeners::all() const {
  std::vector<std::pair<std::string, int>> out;
  for (const auto& [name, fds] : fds_)
    for (const UniqueFd& fd : fds) out.emplace_back(name, fd.get());
  return out;
}

std::string NodeListeners::address(const std::string& name) const {
  std::string out;
  for (int fd : fds(name)) {
    auto bound = tools::bound_address(fd);
    if (!bound) continue;
    out += out.empty() ? *bound : "," + bound->substr(bound->rfind(':') + 1);
  }
  return out;
}

}  // namespace headgate::serve
