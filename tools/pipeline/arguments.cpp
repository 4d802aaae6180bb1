// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/masked.h>
#include <common/siblings.h>
#include <pipeline/commands.h>
#include <pipeline/folder.h>

namespace headgate::pipeline {

Result<Values> values_of(const std::vector<std::string>& assignments) {
  Values out;
  for (const std::string& one : assignments) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos) return Unexpected("--set " + masked(one) + ": is not NAME=VALUE");
    out[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return out;
}

Result<std::string> folder_or_default(const std::string& folder) {
  if (!folder.empty()) return folder;
  return tools::pipelines_folder();
}

Result<Description> load_one(const std::string& folder, const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) return Unexpected("wants one NAME or FILE (--help tells more)");
  auto in = folder_or_default(folder);
  if (!in) return Unexpected(in.error());
  auto file = find_file(*in, arguments.front());
  if (!file) return Unexpected(file.error());
  return Description::load(*file);
}

Values with_samples(const Description& description, Values values) {
  for (const Parameter& parameter : description.parameters()) {
    if (parameter.preset || values.count(parameter.name) != 0) continue;
    std::string sample = "x";
    if (parameter.type == Type::boolean) sample = "false";
    if (parameter.type == Type::choice) sample = parameter.values.front().first;
    if (has_range(parameter.type)) {
      sample = parameter.least ? *parameter.least : parameter.most ? *parameter.most : "1";
      if (!parameter.least && !parameter.most && parameter.type == Type::duration) sample = "1s";
      if (!parameter.least && !parameter.most && parameter.type == Type::bitrate) sample = "1Mbit/s";
    }
    values[parameter.name] = sample;
  }
  return values;
}

}  // namespace headgate::pipeline
