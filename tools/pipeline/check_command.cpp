// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <pipeline/build.h>
#include <pipeline/commands.h>
#include <pipeline/folder.h>

#include <cstdio>
#include <filesystem>

namespace headgate::pipeline {
namespace {

// Empty: nothing is wrong.
std::string fault_of(const std::string& file, const Values& values, bool build_it) {
  auto description = Description::load(file);
  if (!description) return description.error().message;
  const Values all = with_samples(*description, values);
  if (!build_it) {
    auto lines = description->lines(all);
    return lines ? "" : lines.error().message;
  }
  auto pipeline = build(*description, all);
  return pipeline ? "" : pipeline.error().message;
}

}  // namespace

int run_check(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool text_only = false;
  tools::Options options(
      "[NAME|FILE...]", "Holds descriptions to what they may be, and builds each once with GStreamer.",
      "Without one: all of the folder. What is wrong is told as FILE:LINE:COLUMN: /json/pointer: reason; "
      "the exit "
      "code is 1 then. A parameter without a default is given one of the values that it takes.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .arguments_from()
      .flag("text-only", text_only, "do not build them: elements need not be installed");
  auto files = options.parse(argc, argv);
  if (!files) return tools::complain(2, argv[0], files.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  int code = 0;
  for (std::string& file : *files) {
    if (std::filesystem::exists(file)) continue;
    auto in = folder_or_default(folder);
    auto named = in ? find_file(*in, file) : in;
    if (!named) return tools::complain(1, argv[0], named.error().message);
    file = *named;
  }
  if (files->empty()) {
    auto in = folder_or_default(folder);
    if (!in) return tools::complain(2, argv[0], in.error().message);
    files = files_in(*in);
    if (!files) return tools::complain(2, argv[0], files.error().message);
    // Each alone, below; here what they are to each other.
    if (auto all = load_folder(*in);
        !all && all.error().message.find("another description") != std::string::npos) {
      std::fprintf(stderr, "%s\n", all.error().message.c_str());
      code = 1;
    }
  }
  if (!text_only) {
    gst_init(nullptr, nullptr);
    find_plugins();
  }
  for (const std::string& file : *files) {
    const std::string fault = fault_of(file, *values, !text_only);
    if (fault.empty()) {
      std::printf("ok %s\n", file.c_str());
      continue;
    }
    std::fprintf(stderr, "%s\n", fault.c_str());
    code = 1;
  }
  return code;
}

}  // namespace headgate::pipeline
