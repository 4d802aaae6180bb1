// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <pipeline/build.h>
#include <pipeline/commands.h>
#include <pipeline/folder.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

namespace headgate::pipeline {
namespace {

constexpr size_t kMaxChoices = 256;  // of a description, that are tried

// Empty: nothing is wrong.
std::string fault_with(const Description& description, const Values& values, bool build_it) {
  if (!build_it) {
    auto lines = description.lines(values);
    return lines ? "" : lines.error().message;
  }
  auto pipeline = build(description, values);
  return pipeline ? "" : pipeline.error().message;
}

// What else enums may be, each for itself: it is a text of elements as any other.
std::vector<std::pair<std::string, std::string>> other_choices(const Description& description,
                                                               const Values& values) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Parameter& parameter : description.parameters()) {
    if (parameter.type != Type::choice) continue;
    const auto given = values.find(parameter.name);
    const std::string& now = given != values.end() ? given->second : parameter.preset.value_or("");
    for (const auto& [name, text] : parameter.values)
      if (name != now) out.emplace_back(parameter.name, name);
  }
  return out;
}

// Elements warn of values that they cannot use. Of those that only stand in for others nobody has to know.
class Quiet {
 public:
  explicit Quiet(bool quiet) : before_(quiet ? g_log_set_default_handler(ignore, nullptr) : nullptr) {}
  ~Quiet() {
    if (before_) g_log_set_default_handler(before_, nullptr);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  static void ignore(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}
  const GLogFunc before_;
};

struct Found {
  std::string fault;  // empty: nothing is wrong
  std::string note;   // what was not looked at
};

Found look_at(const std::string& file, const Values& given, bool build_it) {
  auto description = Description::load(file);
  if (!description) return {description.error().message, ""};
  const Values values = with_samples(*description, given);
  const Quiet quiet(values != given);
  if (std::string fault = fault_with(*description, values, build_it); !fault.empty()) return {fault, ""};
  if (!given.empty()) return {};
  const auto choices = other_choices(*description, values);
  for (size_t i = 0; i < std::min(choices.size(), kMaxChoices); ++i) {
    const auto& [name, choice] = choices[i];
    Values with = values;
    with[name] = choice;
    if (const std::string fault = fault_with(*description, with, build_it); !fault.empty())
      return {fault + " (with " + name + "=" + choice + ")", ""};
  }
  if (choices.size() <= kMaxChoices) return {};
  return {"", " (" + std::to_string(kMaxChoices) + " of " + std::to_string(choices.size()) + " choices)"};
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
      "code is 1 then. A parameter without a default is given one of the values that it takes. Without --set "
      "each value of an enum is tried.");
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
    const Found found = look_at(file, *values, !text_only);
    if (found.fault.empty()) {
      std::printf("ok %s%s\n", file.c_str(), found.note.c_str());
      continue;
    }
    std::fprintf(stderr, "%s\n", found.fault.c_str());
    code = 1;
  }
  return code;
}

}  // namespace headgate::pipeline
