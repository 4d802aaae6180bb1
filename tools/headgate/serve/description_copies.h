// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies of a folder of pipeline descriptions beside a link to the one that is in use, which is another from
// one moment to the next. Blocking; one thread, and one process at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::serve {

// Descriptions and fragments; a folder without fragments is one.
Result<std::vector<std::string>> description_files(const std::string& folder);
// What is in them, by their names in the folder: "/station.json", "/fragments/archive.json".
using DescriptionTexts = std::map<std::string, ByteVector>;
Result<DescriptionTexts> description_texts(const std::string& folder);

class DescriptionCopies {
 public:
  enum class Lasting { no, yes };  // yes: what is in use has reached the disk

  // `link`: its folder is there when copies are made.
  DescriptionCopies(std::string link, Lasting lasting) : link_(std::move(link)), lasting_(lasting) {}

  const std::string& in_use() const { return link_; }
  bool any() const;  // is in use
  // A fresh copy of that, private to this user; its path.
  Result<std::string> make(const DescriptionTexts& texts);
  // From now on; the others go. After an error this copy has gone instead, but for one that may not have
  // reached the disk: it is in use, and none has gone.
  Result<void> use(const std::string& copy);
  static void drop(const std::string& copy);

 private:
  Result<void> write(const ByteVector& text, const std::string& to) const;
  Result<void> link(const std::string& copy) const;

  const std::string link_;
  const Lasting lasting_;
  int last_ = 0;  // number of a copy
};

}  // namespace headgate::serve
