// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/bytes.h>
#include <base/io.h>
#include <glib.h>
#include <pipeline/description.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace headgate::pipeline {

Fragments fragments_beside(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path() / "fragments";
  return [folder](const std::string& name) -> Result<FragmentText> {
    const std::string path = (folder / (name + ".json")).string();
    auto bytes = read_file(path, kMaxDescriptionBytes);
    if (!bytes) return Unexpected(bytes.error());
    return FragmentText{std::string(as_text(*bytes)), path};
  };
}

Result<Description> Description::load(const std::string& file) {
  auto bytes = read_file(file, kMaxDescriptionBytes);
  if (!bytes) return Unexpected(bytes.error());
  return parse(std::string(as_text(*bytes)), file);
}

Result<Description> Description::parse(const std::string& json, const std::string& file) {
  return parse(json, file, fragments_beside(file));
}

const Parameter* Description::parameter(const std::string& name) const {
  auto found = std::find_if(parameters_.begin(), parameters_.end(),
                            [&](const Parameter& one) { return one.name == name; });
  return found == parameters_.end() ? nullptr : &*found;
}

Result<std::vector<Reference>> references(const std::string& text) {
  std::vector<Reference> out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] == '"') quoted = !quoted;
    if (text[i] != '$' || i + 1 == text.size() || text[i + 1] != '{') continue;
    const size_t close = text.find('}', i);
    if (close == std::string::npos) return Unexpected("a ${ without its }");
    Reference reference;
    reference.begin = i;
    reference.end = close + 1;
    reference.name = text.substr(i + 2, close - i - 2);
    if (const size_t colon = reference.name.find(':'); colon != std::string::npos) {
      reference.unit = reference.name.substr(colon + 1);
      reference.name.resize(colon);
    }
    const bool word_ends = close + 1 == text.size() || g_ascii_isspace(text[close + 1]);
    const bool alone = i > 0 && text[i - 1] == '=' && word_ends;
    reference.place = quoted ? Place::quoted : alone ? Place::alone : Place::among;
    out.push_back(std::move(reference));
    i = close;
  }
  return out;
}

const char* trigger_name(Trigger trigger) {
  switch (trigger) {
    case Trigger::always:
      return "always";
    case Trigger::listen:
      return "listen";
    case Trigger::schedule:
      return "schedule";
    case Trigger::ticket:
      break;
  }
  return "ticket";
}

Result<std::string> Description::filled(const Line& line, const Values& values) const {
  auto all = references(line.text);
  if (!all) return Unexpected(line.place() + ": " + all.error().message);
  std::string out;
  size_t at = 0;
  for (const Reference& reference : *all) {
    const Parameter& parameter = *this->parameter(reference.name);  // there is one: checked when it was read
    const auto value = values.find(parameter.name);
    if (value == values.end()) continue;
    auto text = in_line(parameter, value->second, reference.unit, reference.place);
    if (!text) return Unexpected(line.place() + ": ${" + reference.name + "}: " + text.error().message);
    out += line.text.substr(at, reference.begin - at);
    if (parameter.type == Type::choice) {
      Line inner = line;
      inner.text = *text;
      auto chosen = filled(inner, values);  // has no choice in it: checked when it was read
      if (!chosen) return chosen;
      out += *chosen;
    } else {
      out += *text;
    }
    at = reference.end;
  }
  return out + line.text.substr(at);
}

Result<Values> Description::complete(const Values& values, Missing missing) const {
  for (const auto& [name, value] : values)
    if (!has_parameter(name)) return Unexpected(file_ + ": there is no parameter \"" + name + "\"");
  std::string absent, to_set;
  for (const Parameter& parameter : parameters_) {
    if (missing == Missing::kept || parameter.preset || values.count(parameter.name) != 0) continue;
    absent += (absent.empty() ? "" : ", ") + parameter.name;
    to_set += " --set " + parameter.name + "=VALUE";
  }
  if (!absent.empty())
    return Unexpected(file_ + ": /parameters: " + absent + ": no default, and not given:" + to_set);
  Values out;
  for (const Parameter& parameter : parameters_) {
    const std::string place = file_ + ": /parameters/" + parameter.name + ": ";
    const auto given = values.find(parameter.name);
    if (given == values.end() && !parameter.preset) continue;
    const std::string& value = given == values.end() ? *parameter.preset : given->second;
    if (auto good = parameter.check(value); !good) return Unexpected(place + good.error().message);
    out[parameter.name] = value;
  }
  return out;
}

Result<std::vector<Line>> Description::lines(const Values& values, Missing missing) const {
  auto all = complete(values, missing);
  if (!all) return Unexpected(all.error());
  std::vector<Line> out;
  for (const Line& line : lines_) {
    auto text = filled(line, *all);
    if (!text) return Unexpected(text.error());
    out.push_back(line);
    out.back().text = *std::move(text);
  }
  return out;
}

// No gst-launch line: values stand as they are.
Result<std::string> Description::listen_address(const Values& values) const {
  auto known = complete(values, Missing::kept);
  if (!known) return Unexpected(known.error());
  auto all = references(listen_.tcp.text);
  if (!all) return Unexpected(listen_.tcp.place() + ": " + all.error().message);
  std::string out;
  size_t at = 0;
  for (const Reference& reference : *all) {
    const auto value = known->find(reference.name);
    if (value == known->end())
      return Unexpected(listen_.tcp.place() + ": " + reference.name + " was not given: --set " +
                        reference.name + "=VALUE");
    out += listen_.tcp.text.substr(at, reference.begin - at) + value->second;
    at = reference.end;
  }
  return out + listen_.tcp.text.substr(at);
}

Result<std::string> Description::launch_line(const Values& values) const {
  auto all = lines(values);
  if (!all) return Unexpected(all.error());
  std::string out;
  for (const Line& line : *all) out += line.text + "\n";
  return out;
}

}  // namespace headgate::pipeline
