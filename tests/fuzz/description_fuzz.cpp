// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline description that somebody wrote; its fragments are the same text. What is right is filled in and
// drawn.
#include <cstdint>
#include <cstdlib>

#include <pipeline/description.h>
#include <pipeline/graph.h>

using namespace headgate;
using namespace headgate::pipeline;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // Behind the first line that reads "##": the fragment.
  const size_t between = text.find("\n##\n");
  const std::string fragment = between == text.npos ? "" : text.substr(between + 4);
  auto description = Description::parse(text.substr(0, between), "x.json", [&](const std::string& name) {
    return Result<FragmentText>(FragmentText{fragment, name});
  });
  if (!description) {
    require(!description.error().message.empty());
    return 0;
  }
  require(description->parameters().size() <= kMaxParameters);
  auto kept = description->lines({}, Description::Missing::kept);
  if (!kept) return 0;  // a default that is no whole number of a unit
  require(kept->size() <= kMaxLines);
  std::string all;
  for (const Line& line : *kept) all += line.text + "\n";
  if (auto graph = graph_of(all)) {
    require(graph->elements.size() <= kMaxGraphElements);
    require(svg_of(*graph, description->name()).ends_with("</svg>\n"));
  }
  return 0;
}
