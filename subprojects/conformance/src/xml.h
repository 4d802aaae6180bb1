// SPDX-License-Identifier: LGPL-2.1-or-later
// libxml2's tree, owned and read by name. Attributes have no namespace, elements that of the MPD.
#pragma once

#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::conformance {

inline constexpr char kMpdNamespace[] = "urn:mpeg:dash:schema:mpd:2011";

class XmlElement {
 public:
  explicit XmlElement(xmlNode* node) : node_(node) {}
  std::string_view name() const;
  bool is(std::string_view name) const;  // of the MPD's namespace
  size_t line() const;
  std::optional<std::string> attribute(const char* name) const;
  std::string text() const;
  std::vector<XmlElement> children(std::string_view name) const;

 private:
  xmlNode* node_;
};

class XmlDocument {
 public:
  // `fault`: why it is none, with the line.
  static std::optional<XmlDocument> parse(std::string_view text, std::string& fault, size_t& line);
  XmlElement root() const;

 private:
  struct Free {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
  };
  explicit XmlDocument(xmlDoc* document) : document_(document) {}
  std::unique_ptr<xmlDoc, Free> document_;
};

}  // namespace headgate::conformance
