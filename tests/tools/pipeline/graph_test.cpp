// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <pipeline/graph.h>

namespace headgate::pipeline {
namespace {

std::string text_of(const std::string& line) {
  auto graph = graph_of(line);
  if (!graph) return graph.error().message;
  std::string out;
  for (const Graph::Link& link : graph->links) {
    const auto end = [&](size_t element, const std::string& pad) {
      return graph->elements[element].name + (pad.empty() ? "" : "." + pad);
    };
    out += end(link.from, link.from_pad) + ">" + end(link.to, link.to_pad) +
           (link.caps.empty() ? "" : "[" + link.caps + "]") + " ";
  }
  return out;
}

TEST(Graph, LinksOfALine) {
  EXPECT_EQ(text_of("a ! b ! c"), "a0>b0 b0>c0 ");
  EXPECT_EQ(text_of("a name=x q=\"s ! t\" ! video/x-raw,w=1, h=2 ! b a ! b"),
            "x>b0[video/x-raw,w=1, h=2] a1>b1 ");
  EXPECT_EQ(text_of("s name=s p name=p s.v_0 ! p.sink_0 p.src_0 ! k name=k"), "s.v_0>p.sink_0 p.src_0>k ");
  EXPECT_EQ(text_of("tee name=t ! x t. ! y t. ! z.pad z name=z"), "t>x0 t>y0 t>z.pad ");
}

TEST(Graph, WhatIsNoLineIsTold) {
  EXPECT_EQ(text_of("! a"), "a ! without an element before it");
  EXPECT_EQ(text_of("a !"), "a ! without an element behind it");
  EXPECT_EQ(text_of("a ! ! b"), "a ! without an element before it");
  EXPECT_EQ(text_of("a ! b."), "no element is named \"b\"");
  EXPECT_EQ(text_of("x=1"), "a property without an element: x");
  EXPECT_EQ(text_of("a ( b )"), "neither an element nor a property: (");
  EXPECT_EQ(text_of("a video/x-raw ! b"), "a filter without a ! before it: video/x-raw");
  std::string many;
  for (size_t i = 0; i <= kMaxGraphElements; ++i) many += "a ";
  EXPECT_EQ(text_of(many), "too many elements");
}

TEST(Graph, TheDrawingHasEveryElementAndEscapesWhatItShows) {
  auto graph = graph_of("a name=x text=\"<&>\" ! b name=y x. ! c.in y. ! c.in c name=c c. ! x.loop");
  ASSERT_TRUE(graph) << graph.error().message;
  const std::string svg = svg_of(*graph, "a \"title\"");
  EXPECT_NE(svg.find("text=&lt;&amp;&gt;"), std::string::npos);
  EXPECT_NE(svg.find("a &quot;title&quot;"), std::string::npos);
  size_t boxes = 0, links = 0;
  for (size_t at = svg.find("rx=\"6\""); at != std::string::npos; at = svg.find("rx=\"6\"", at + 1)) ++boxes;
  for (size_t at = svg.find(" C"); at != std::string::npos; at = svg.find(" C", at + 1)) ++links;
  EXPECT_EQ(boxes, 3u);
  EXPECT_EQ(links, 4u);
}

}  // namespace
}  // namespace headgate::pipeline
