// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instances.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/json_line.h>
#include <base/sha256.h>
#include <common/log.h>
#include <glib.h>
#include <pipeline/folder.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "operations.h"

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

constexpr char kFileEnd[] = ".conf";
constexpr char kMainSection[] = "pipeline", kDescriptionKey[] = "description", kParameters[] = "parameters";
constexpr size_t kIdBytes = 8;

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxInstanceName &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

struct KeyFileFree {
  void operator()(GKeyFile* file) const { g_key_file_free(file); }
};

std::string taken(gchar* text) {
  std::string out = text ? text : "";
  g_free(text);
  return out;
}

std::vector<std::string> taken(gchar** list) {
  std::vector<std::string> out;
  for (gchar** one = list; one && *one; ++one) out.emplace_back(*one);
  g_strfreev(list);
  return out;
}

// What of a file an instance is: its description's name, its parameters.
struct InstanceText {
  std::string description;
  pipeline::Values values;
};

Result<InstanceText> read_instance(const std::string& path) {
  const auto bytes = pipeline::read_text(path, kMaxInstanceFileBytes);
  if (!bytes) return Unexpected(bytes.error());
  const std::unique_ptr<GKeyFile, KeyFileFree> file(g_key_file_new());
  GError* error = nullptr;
  if (!g_key_file_load_from_data(file.get(), as_text(*bytes).data(), bytes->size(), G_KEY_FILE_NONE,
                                 &error)) {
    std::string reason = error->message;
    g_error_free(error);
    return Unexpected(path + ": " + reason);
  }
  InstanceText out;
  for (const std::string& section : taken(g_key_file_get_groups(file.get(), nullptr)))
    for (const std::string& key : taken(g_key_file_get_keys(file.get(), section.c_str(), nullptr, nullptr))) {
      std::string value = taken(g_key_file_get_string(file.get(), section.c_str(), key.c_str(), nullptr));
      if (section == kParameters)
        out.values[key] = std::move(value);
      else if (section == kMainSection && key == kDescriptionKey)
        out.description = std::move(value);
      else
        return Unexpected(path + ": [" + section + "] " + key + ": there is no such key");
    }
  if (out.description.empty())
    return Unexpected(path + ": [" + std::string(kMainSection) + "] " + kDescriptionKey + " is not there");
  return out;
}

}  // namespace

std::string instance_of(const Child& child) {
  constexpr std::string_view kFront = kInstanceFront;
  return child.place().role.starts_with(kFront) ? child.place().role.substr(kFront.size()) : "";
}

Instances::Instances(Loop& loop, Children& children, NodeEvents& events, Node node,
                     std::function<void()> changed)
    : loop_(loop),
      children_(children),
      events_(events),
      node_(std::move(node)),
      changed_(std::move(changed)) {}

Instances::~Instances() {
  stop();
}

void Instances::start() {
  timer_ = loop_.every_ms(kInstancesLookMs, [this] { look(); });
  look();
}

void Instances::stop() {
  loop_.cancel(std::exchange(timer_, 0));
}

Child* Instances::child_of(const std::string& instance) const {
  const std::string role = kInstanceFront + instance;
  return children_.has(role) ? &children_.place(role) : nullptr;
}

Instances::Files Instances::files() {
  Files out;
  if (node_.folder.empty()) return out;
  std::string problem;
  std::error_code error;
  for (auto at = fs::directory_iterator(node_.folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const fs::path path = at->path();
    if (path.extension() != kFileEnd) continue;
    struct stat status {};
    ::stat(path.c_str(), &status);  // one that has gone meanwhile has no time
    if (!is_name(path.stem().string()))
      problem = path.string() + ": the name is not of a-z, 0-9 and -, up to 32 of them";
    else if (out.size() >= kMaxInstances)
      problem = node_.folder + ": more than " + std::to_string(kMaxInstances) + " files";
    else
      out[path.stem().string()] = std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
                                  std::to_string(status.st_mtim.tv_sec) + "." +
                                  std::to_string(status.st_mtim.tv_nsec);
  }
  if (error) problem = node_.folder + ": " + error.message();
  if (problem != std::exchange(folder_problem_, problem) && !problem.empty()) {
    tools::log_error(problem);
    events_.add("instance.refused", Severity::error, {{kEventText, problem}, {"reason", problem}});
  }
  // What cannot be read has not been taken away.
  if (error)
    for (const auto& [name, one] : all_) out[name] = one.file;
  return out;
}

Result<Instances::Wanted> Instances::read(const std::string& instance,
                                          const std::string& descriptions) const {
  const std::string path = node_.folder + "/" + instance + kFileEnd;
  auto text = read_instance(path);
  if (!text) return Unexpected(text.error());
  const std::string front = path + ": ";
  auto file = pipeline::find_file(descriptions, text->description);
  if (!file) return Unexpected(front + file.error().message);
  auto description = pipeline::Description::load(*file);
  if (!description) return Unexpected(front + description.error().message);
  if (description->trigger() == pipeline::Trigger::ticket)
    return Unexpected(front + text->description + " runs for publishers' sessions (trigger ticket)");
  Wanted out{text->description, std::move(text->values), description->trigger(), description->restart(), {}};
  // As a session's pipeline gets them.
  for (const auto& [name, value] : {std::pair("root", node_.data), std::pair("node", node_.name),
                                    std::pair("event", std::to_string(node_.event))})
    if (description->has_parameter(name)) out.values.try_emplace(name, value);
  pipeline::Values values = out.values;
  if (description->trigger() == pipeline::Trigger::listen) values.try_emplace(pipeline::kConnection, "0");
  if (auto lines = description->lines(values); !lines) return Unexpected(front + lines.error().message);
  std::string all = out.description + "\n";
  for (const auto& [name, value] : out.values) all += name + "=" + value + "\n";
  const Digest digest = sha256(as_bytes(all));
  out.id = to_hex(Bytes(digest).first(kIdBytes));
  return out;
}

void Instances::take(const std::string& instance, One& one) {
  auto wanted = read(instance, node_.descriptions);
  one.problem = wanted ? "" : wanted.error().message;
  if (!wanted) {
    tools::log_error("pipeline " + instance + " is not as its file says: " + one.problem);
    events_.add("instance.refused", Severity::error,
                {{kEventText, "pipeline " + instance + " is not as its file says" +
                                  (one.wanted ? ": it stays as it was" : ": it is not started")},
                 {"instance", instance},
                 {"reason", one.problem}});
    return;
  }
  one.backoff.emplace(wanted->restart);
  one.over.clear();
  one.wanted = *std::move(wanted);
}

void Instances::look(bool anew) {
  if (timer_ == 0) return;
  const Files now = files();
  bool changed = std::erase_if(all_, [&](const auto& one) { return !now.contains(one.first); }) > 0;
  for (const auto& [instance, file] : now) {
    One& one = all_[instance];
    const bool again = anew && (!one.over.empty() || !one.problem.empty());
    if (one.file == file && !again) continue;
    one.file = file;
    take(instance, one);
    changed = true;
  }
  keep();
  if (changed) changed_();
}

void Instances::keep() {
  if (timer_ == 0) return;
  std::vector<Child*> unwanted;
  children_.each([&](Child& child) {
    const std::string instance = instance_of(child);
    if (instance.empty() || child.stopping()) return;
    auto found = all_.find(instance);
    if (found == all_.end() || !found->second.wanted) unwanted.push_back(&child);
  });
  for (Child* child : unwanted) child->stop();
  for (const auto& [instance, one] : all_) {
    if (!one.wanted || !one.over.empty()) continue;
    Child& child = children_.place(kInstanceFront + instance);
    if (!child.running() && !child.waiting() && !child.stopping()) child.start();
  }
}

void Instances::try_again(const std::string& instance) {
  if (auto found = all_.find(instance); found != all_.end()) found->second.over.clear();
  keep();
}

Result<std::map<std::string, std::vector<std::string>>> Instances::checks(const std::string& descriptions) {
  std::map<std::string, std::vector<std::string>> out;
  const Files all = files();
  if (!folder_problem_.empty()) return Unexpected(folder_problem_);
  for (const auto& [instance, file] : all) {
    auto wanted = read(instance, descriptions);
    if (!wanted) return Unexpected(wanted.error());
    auto& arguments = out[instance];
    arguments = {"check", *pipeline::find_file(descriptions, wanted->description), "--pipelines",
                 descriptions};
    if (wanted->trigger == pipeline::Trigger::listen)
      wanted->values.try_emplace(pipeline::kConnection, "0");  // as of a connection there was
    for (const auto& [name, value] : wanted->values) {
      arguments.emplace_back("--set");
      arguments.push_back(name + "=" + value);
    }
  }
  return out;
}

std::optional<int64_t> Instances::pause(const Child& child, int code, int64_t lived_ms) {
  const std::string instance = instance_of(child);
  if (instance.empty()) return std::nullopt;
  auto found = all_.find(instance);
  if (found == all_.end() || !found->second.backoff) return -1;
  One& one = found->second;
  one.line.clear();
  if (code == 0) {
    one.over = "ended";
    events_.add("instance.over", Severity::info,
                {{kEventText, "pipeline " + instance + " has ended by itself"}, {"instance", instance}});
    return -1;
  }
  const pipeline::Backoff::Next next = one.backoff->failed(lived_ms);
  const std::string row = std::to_string(one.backoff->in_a_row()) + " times in a row";
  if (next.alarm)
    events_.add("instance.alarm", Severity::error,
                {{kEventText, "pipeline " + instance + " has failed " + row}, {"instance", instance}});
  if (!next.give_up) return next.pause_ms;
  one.over = "given-up";
  const std::string text =
      "pipeline " + instance + " is given up: it " + child.end_text() + ", and has failed " + row;
  tools::log_error(text);
  events_.add("instance.over", Severity::error, {{kEventText, text}, {"instance", instance}});
  return -1;
}

void Instances::told(const Child& child, const wire::Message& message) {
  auto* status = std::get_if<wire::Status>(&message);
  auto found = status ? all_.find(instance_of(child)) : all_.end();
  if (found == all_.end()) return;
  const Arguments said(status->json);
  found->second.line = said.text("line");
  // Also one that an earlier supervisor has started.
  if (found->second.wanted && said.text("settings") != found->second.wanted->id && !child.stopping())
    children_.place(child.place().role).stop();  // keep() starts another
}

std::vector<std::string> Instances::arguments(const std::string& instance) const {
  auto found = all_.find(instance);
  if (found == all_.end() || !found->second.wanted) return {"run", "--help"};  // nothing starts it
  const Wanted& wanted = *found->second.wanted;
  std::vector<std::string> out{"run",        wanted.description, "--pipelines",   node_.descriptions,
                               "--once",     "--quiet",          "--runtime-dir", node_.runtime_dir,
                               "--instance", instance,           "--settings-id", wanted.id};
  for (const auto& [name, value] : wanted.values) {
    out.emplace_back("--set");
    out.push_back(name + "=" + value);
  }
  return out;
}

std::string Instances::json() const {
  std::string out;
  for (const auto& [instance, one] : all_) {
    const Child* child = child_of(instance);
    const bool runs = child && child->running();
    std::string state = !one.over.empty() ? one.over
                        : runs            ? child->ready() ? "running" : "starting"
                        : one.wanted      ? "waiting"
                                          : "refused";
    JsonLine line;
    line.field("instance", instance).field("state", state);
    if (one.wanted)
      line.field("description", one.wanted->description).field("trigger", trigger_name(one.wanted->trigger));
    if (runs) line.field("pid", child->pid());
    if (child) line.field("restarts", child->restarts());
    if (!one.line.empty()) line.field("line", one.line);
    if (!one.problem.empty()) line.field("reason", one.problem);
    out += (out.empty() ? "" : ",") + line.take();
  }
  return "[" + out + "]";
}

}  // namespace headgate::serve
