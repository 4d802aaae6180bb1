// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/command_line.h>
#include <common/options.h>

#include <cstdio>

#include <load/cli_support.h>

namespace headgate::check {

std::optional<Options> read_options(int argc, char** argv, const char* summary, const char* about_url) {
  const char* program = argv[0];
  Options wanted;
  tools::Options options(
      "URL", summary,
      std::string(about_url) +
          "\nThe rules are in docs/check.md. Exit code: 0 nothing was found (notes apart), 1 errors "
          "or warnings,\n2 wrong usage, or not reachable.");
  load::real(options, "duration", wanted.duration_s, 1, 1e7, "SECONDS", "how long (60)");
  options
      .call(
          "variants",
          [&wanted](const std::string& value) -> Result<void> {
            if (value == "all") {
              wanted.variants = 0;
              return {};
            }
            char* end = nullptr;
            wanted.variants = std::strtoll(value.c_str(), &end, 10);
            if (*end != 0 || wanted.variants < 1)
              return Unexpected("'" + value + "' is neither all nor a number");
            return {};
          },
          "N", "the first N variants with their renditions, or all (all)")
      .flag("json", wanted.json, "print one JSON object");
  auto rest = options.parse(argc, argv);
  std::string problem;
  if (!rest)
    problem = rest.error().message;
  else if (rest->size() != 1)
    problem = "one URL is needed";
  else if (rest->front().compare(0, 7, "http://") != 0 && rest->front().compare(0, 8, "https://") != 0)
    problem = "the URL must begin with http:// or https://";
  if (!problem.empty()) {
    std::fprintf(stderr, "%s: %s\n", program, problem.c_str());
    return std::nullopt;
  }
  wanted.url = rest->front();
  return wanted;
}

}  // namespace headgate::check
