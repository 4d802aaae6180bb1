// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <base/result.h>

#include "context.h"

namespace headgate::preflight {

// A new folder of this process's own, or the account's; it goes with the object.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& parent, const std::optional<Account>& account);
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();
  const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace headgate::preflight
