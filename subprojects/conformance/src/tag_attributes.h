// SPDX-License-Identifier: LGPL-2.1-or-later
// The attributes of tags: which there are, of which type, which are required.
#pragma once

#include "values.h"

namespace headgate::conformance {

class Attributes {
 public:
  Attributes() = default;
  // Tells what is wrong with `text` as the list of `tag`; what is left is as defined.
  Attributes(std::string_view tag, std::string_view text, size_t line, Findings& findings);

  const Attribute* find(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<uint64_t> integer(std::string_view name) const;
  std::optional<Micros> decimal(std::string_view name) const;
  bool is(std::string_view name, std::string_view value) const;
  bool yes(std::string_view name) const { return is(name, "YES"); }
  bool any_begins(std::string_view prefix) const;

 private:
  std::vector<Attribute> list_;
};

}  // namespace headgate::conformance
