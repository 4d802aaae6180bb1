// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instance_file.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/sha256.h>
#include <pipeline/connection_limits.h>
#include <pipeline/folder.h>
#include <sys/random.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "key_file.h"

namespace headgate::serve {
namespace {

constexpr char kMainSection[] = "pipeline", kDescriptionKey[] = "description", kParameters[] = "parameters";
constexpr size_t kIdBytes = 8, kIdKeyBytes = 32;

// What of a file an instance is: its description's name, its parameters.
Result<WantedInstance> read_text(const std::string& path) {
  auto all = read_key_file(path);
  if (!all) return Unexpected(all.error());
  WantedInstance out;
  for (KeyValue& one : *all) {
    out.secret = out.secret || is_secret(one);
    if (one.section == kParameters)
      out.values[one.key] = std::move(one.value);
    else if (one.section == kMainSection && one.key == kDescriptionKey)
      out.description = std::move(one.value);
    else
      return Unexpected(one.place + ": there is no such key");
  }
  if (out.description.empty())
    return Unexpected(path + ": [" + std::string(kMainSection) + "] " + kDescriptionKey + " is not there");
  return out;
}

}  // namespace

bool is_instance_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxInstanceName &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

InstanceNames instance_names(const std::string& folder) {
  namespace fs = std::filesystem;
  InstanceNames out;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const fs::path& path = at->path();
    if (path.extension() != kInstanceFileEnd) continue;
    if (!is_instance_name(path.stem().string()))
      out.problem = path.string() + ": the name is not of a-z, 0-9 and -, up to 32 of them";
    else if (out.names.size() >= kMaxInstances)
      out.problem = folder + ": more than " + std::to_string(kMaxInstances) + " files";
    else
      out.names.push_back(path.stem().string());
  }
  std::sort(out.names.begin(), out.names.end());
  out.unreadable = static_cast<bool>(error);
  if (error) out.problem = folder + ": " + error.message();
  return out;
}

pipeline::Values values_to_check(const WantedInstance& wanted) {
  pipeline::Values out = wanted.values;
  if (wanted.trigger == pipeline::Trigger::listen) out.try_emplace(pipeline::kConnection, "0");
  return out;
}

Words check_arguments(const WantedInstance& wanted, const std::string& descriptions) {
  return {{"check", *pipeline::find_file(descriptions, wanted.description), "--pipelines", descriptions},
          set_words(values_to_check(wanted))};
}

std::vector<std::string> set_words(const pipeline::Values& values) {
  std::vector<std::string> out;
  for (const auto& [name, value] : values) out.push_back("--set=" + name + "=" + value);
  return out;
}

Result<void> take_id_key(const std::string& runtime_dir, std::string& key) {
  const std::string path = runtime_dir + "/instance-ids.key";
  if (auto there = read_file(path, kIdKeyBytes); there && there->size() == kIdKeyBytes) {
    key = as_text(*there);
    return {};
  }
  key.resize(kIdKeyBytes);
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    return errno_error("getrandom");
  return replace_file(path, as_bytes(key), 0600);
}

Result<WantedInstance> read_instance(const InstanceNode& node, const std::string& instance,
                                     const std::string& descriptions) {
  const std::string path = node.folder + "/" + instance + kInstanceFileEnd;
  auto out = read_text(path);
  if (!out) return out;
  const std::string front = path + ": ";
  auto file = pipeline::find_file(descriptions, out->description);
  if (!file) return Unexpected(front + file.error().message);
  auto description = pipeline::Description::load(*file);
  if (!description) return Unexpected(front + description.error().message);
  if (description->trigger() == pipeline::Trigger::ticket)
    return Unexpected(front + out->description + " runs for publishers' sessions (trigger ticket)");
  out->trigger = description->trigger();
  out->restart = description->restart();
  out->limits = pipeline::limits_of(*description);
  // As a session's pipeline gets them.
  for (const auto& [name, value] : {std::pair("root", node.data), std::pair("node", node.name),
                                    std::pair("event", std::to_string(node.event))})
    if (description->has_parameter(name)) out->values.try_emplace(name, value);
  if (auto lines = description->lines(values_to_check(*out)); !lines)
    return Unexpected(front + lines.error().message);
  std::string all = node.id_key + "\n" + out->description + "\n";
  for (const auto& [name, value] : out->values) all += name + "=" + value + "\n";
  const Digest digest = sha256(as_bytes(all));
  out->id = to_hex(Bytes(digest).first(kIdBytes));
  return out;
}

}  // namespace headgate::serve
