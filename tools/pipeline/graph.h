// SPDX-License-Identifier: LGPL-2.1-or-later
// A gst-launch line as a graph, read from its text alone: the elements need not be installed, and links that
// GStreamer would make only once a pad appears are there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr size_t kMaxGraphElements = 512;
inline constexpr char kUnnamed[] = "no element is named ";  // how that error begins

struct Graph {
  struct Element {
    std::string factory, name;
    std::vector<std::pair<std::string, std::string>> properties;
  };
  struct Link {
    size_t from = 0, to = 0;       // of elements
    std::string from_pad, to_pad;  // empty: whichever fits
    std::string caps;              // a filter between the two
  };
  std::vector<Element> elements;
  std::vector<Link> links;
};

// Words of the line: elements, properties, !, caps, references (name.pad). No bins in parentheses.
Result<Graph> graph_of(const std::string& launch_line);

// Columns of what follows from what, from left to right.
std::string svg_of(const Graph& graph, const std::string& title);

}  // namespace headgate::pipeline
