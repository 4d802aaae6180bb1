// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xml.h"

#include <libxml/parser.h>

namespace headgate::conformance {
namespace {

std::string_view view(const xmlChar* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

std::string taken(xmlChar* text) {
  std::string out(view(text));
  xmlFree(text);
  return out;
}

}  // namespace

std::string_view XmlElement::name() const {
  return view(node_->name);
}
bool XmlElement::is(std::string_view name) const {
  return this->name() == name && node_->ns && view(node_->ns->href) == kMpdNamespace;
}
size_t XmlElement::line() const {
  const long line = xmlGetLineNo(node_);
  return line > 0 ? static_cast<size_t>(line) : 0;
}

std::optional<std::string> XmlElement::attribute(const char* name) const {
  const auto* key = reinterpret_cast<const xmlChar*>(name);
  if (!xmlHasNsProp(node_, key, nullptr)) return std::nullopt;
  return taken(xmlGetNoNsProp(node_, key));
}

std::string XmlElement::text() const {
  return taken(xmlNodeGetContent(node_));
}

std::vector<XmlElement> XmlElement::children(std::string_view name) const {
  std::vector<XmlElement> out;
  for (xmlNode* child = node_->children; child; child = child->next)
    if (child->type == XML_ELEMENT_NODE && XmlElement(child).is(name)) out.emplace_back(child);
  return out;
}

std::optional<XmlDocument> XmlDocument::parse(std::string_view text, std::string& fault, size_t& line) {
  xmlParserCtxt* context = xmlNewParserCtxt();
  if (!context) {
    fault = "no memory";
    return std::nullopt;
  }
  // No network, no entities replaced (libxml2's default), its own limits on depth and size, nothing on
  // stderr.
  constexpr int kOptions = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
  xmlDoc* document =
      xmlCtxtReadMemory(context, text.data(), static_cast<int>(text.size()), "mpd", nullptr, kOptions);
  if (!document) {
    const xmlError* error = xmlCtxtGetLastError(context);
    fault = error && error->message ? error->message : "it is no XML";
    while (!fault.empty() && fault.back() == '\n') fault.pop_back();
    line = error && error->line > 0 ? static_cast<size_t>(error->line) : 0;
  }
  xmlFreeParserCtxt(context);
  if (!document) return std::nullopt;
  XmlDocument owned(document);
  if (!xmlDocGetRootElement(document)) {
    fault = "it has no element";
    return std::nullopt;
  }
  return owned;
}

XmlElement XmlDocument::root() const {
  return XmlElement(xmlDocGetRootElement(document_.get()));
}

}  // namespace headgate::conformance
