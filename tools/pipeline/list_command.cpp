// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <pipeline/commands.h>
#include <pipeline/folder.h>

#include <cstdio>

namespace headgate::pipeline {

int run_list(int argc, char** argv) {
  std::string folder;
  tools::Options options("",
                         "Lists the descriptions of a folder; wrong ones are told, and the exit code is 1.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)");
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return tools::complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  auto in = folder_or_default(folder);
  if (!in) return tools::complain(2, argv[0], in.error().message);
  auto files = files_in(*in);
  if (!files) return tools::complain(2, argv[0], files.error().message);
  std::printf("%-16s %-8s %10s  %s\n", "NAME", "TRIGGER", "PARAMETERS", "ABOUT");
  int code = 0;
  for (const std::string& file : *files) {
    auto one = Description::load(file);
    if (!one) {
      std::fprintf(stderr, "%s\n", one.error().message.c_str());
      code = 1;
      continue;
    }
    std::printf("%-16s %-8s %10zu  %s\n", one->name().c_str(), trigger_name(one->trigger()),
                one->parameters().size(), one->about().c_str());
  }
  return code;
}

}  // namespace headgate::pipeline
