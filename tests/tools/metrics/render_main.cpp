// SPDX-License-Identifier: LGPL-2.1-or-later
// For the scripts beside it: `metrics-render table` prints the table of docs/metrics.md, `names` what a node
// may tell, one line each (name, type, labels), `text` and `openmetrics` what is made of the NODE on standard
// input, with a sample for each station.
#include <control/metrics/render.h>

#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  using namespace headgate::metrics;
  const std::string wanted = argc == 2 ? argv[1] : "";
  if (wanted == "table") {
    std::cout << markdown();
  } else if (wanted == "names") {
    for (const Metric& one : table())
      std::cout << one.name << '\t' << name_of(one.kind) << '\t' << one.labels << '\n';
  } else if (wanted == "text" || wanted == "openmetrics") {
    const std::string node(std::istreambuf_iterator<char>(std::cin), {});
    const Format format = wanted == "text" ? Format::prometheus : Format::openmetrics;
    std::cout << render(node, {format, true});
  } else {
    std::cerr << "table, names, text or openmetrics\n";
    return 2;
  }
  return 0;
}
