// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/bytes.h>
#include <base/io.h>
#include <common/commands.h>
#include <common/options.h>
#include <fcntl.h>
#include <pipeline/commands.h>
#include <pipeline/graph.h>
#include <unistd.h>

namespace headgate::pipeline {

int run_graph(int argc, char** argv) {
  std::string folder, out;
  std::vector<std::string> set;
  tools::Options options("NAME|FILE", "Draws a description as SVG. The elements need not be installed.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .arguments_from()
      .text("out", out, "FILE", "write there (default: standard output)");
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  auto description = load_one(folder, *rest);
  if (!description) return tools::complain(1, argv[0], description.error().message);
  auto lines = description->lines(*values, Description::Missing::kept);
  if (!lines) return tools::complain(1, argv[0], lines.error().message);
  std::string text;
  for (const Line& line : *lines) text += line.text + "\n";
  auto graph = graph_of(text);
  if (!graph)
    return tools::complain(1, argv[0], description->file() + ": /elements: " + graph.error().message);
  const std::string svg = svg_of(*graph, description->name());
  auto fd = out.empty() ? Result<UniqueFd>(UniqueFd(::dup(STDOUT_FILENO)))
                        : open_file(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!fd) return tools::complain(1, argv[0], fd.error().message);
  if (auto written = write_all(fd->get(), as_bytes(svg)); !written)
    return tools::complain(1, argv[0], written.error().message);
  return 0;
}

}  // namespace headgate::pipeline
