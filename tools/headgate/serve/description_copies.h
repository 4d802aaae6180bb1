// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies of a folder of pipeline descriptions beside a link to the one that is in use, which is another from
// one moment to the next. Blocking; one thread, and one process at a time.
#pragma once

#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::serve {

// Descriptions and fragments; a folder without fragments is one.
Result<std::vector<std::string>> description_files(const std::string& folder);

class DescriptionCopies {
 public:
  enum class Lasting { no, yes };  // yes: what is in use has reached the disk

  // `link`: its folder is there when copies are made.
  DescriptionCopies(std::string link, Lasting lasting) : link_(std::move(link)), lasting_(lasting) {}

  const std::string& in_use() const { return link_; }
  bool any() const;  // is in use
  // A fresh copy of the folder, private to this user; its path.
  Result<std::string> make(const std::string& folder);
  // From now on; the others go.
  Result<void> use(const std::string& copy);
  static void drop(const std::string& copy);

 private:
  Result<void> write(const std::string& file, const std::string& to) const;

  const std::string link_;
  const Lasting lasting_;
  int last_ = 0;  // number of a copy
};

}  // namespace headgate::serve
