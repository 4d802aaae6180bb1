// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instances.h"

#include <common/log.h>
#include <common/open_secrets.h>
#include <sys/stat.h>

#include <utility>

namespace headgate::serve {

std::string instance_of(const Child& child) {
  constexpr std::string_view kFront = kInstanceFront;
  return child.place().role.starts_with(kFront) ? child.place().role.substr(kFront.size()) : "";
}

Instances::Instances(Loop& loop, const Clock& clock, CloseLooks& looks, Children& children,
                     NodeEvents& events, InstanceNode node, std::function<void()> changed)
    : loop_(loop),
      clock_(clock),
      looks_(looks),
      children_(children),
      events_(events),
      node_(std::move(node)),
      changed_(std::move(changed)) {}

Instances::~Instances() {
  stop();
}

void Instances::start() {
  if (auto taken = take_id_key(node_.runtime_dir, node_.id_key); !taken)
    tools::log_error("the next supervisor starts the pipelines again: " + taken.error().message);
  timer_ = loop_.every_ms(kInstancesLookMs, [this] {
    look_at_use();
    look();
  });
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
  const InstanceNames there = instance_names(node_.folder);
  for (const std::string& name : there.names) {
    struct stat status {};
    // One that has gone meanwhile has no time.
    ::stat((node_.folder + "/" + name + kInstanceFileEnd).c_str(), &status);
    out[name] = std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
                std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
  }
  const std::string& problem = there.problem;
  if (problem != std::exchange(folder_problem_, problem) && !problem.empty()) {
    tools::log_error(problem);
    events_.add("instance.refused", Severity::error, {{kEventText, problem}, {"reason", problem}});
  }
  // What cannot be read has not been taken away.
  if (there.unreadable)
    for (const auto& [name, one] : all_) out[name] = one.file;
  return out;
}

void Instances::take(const std::string& instance, One& one) {
  auto wanted = read_instance(node_, instance, node_.descriptions);
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
  const std::string file = node_.folder + "/" + instance + kInstanceFileEnd;
  if (wanted->secret && tools::everybody_reads(file)) tools::log_warning(tools::open_secret_text(file));
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
  if (note() || changed || !std::exchange(told_, true)) changed_();
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

Result<std::map<std::string, Words>> Instances::checks(const std::string& descriptions) {
  std::map<std::string, Words> out;
  const Files all = files();
  if (!folder_problem_.empty()) return Unexpected(folder_problem_);
  for (const auto& [instance, file] : all) {
    auto wanted = read_instance(node_, instance, descriptions);
    if (!wanted) return Unexpected(wanted.error());
    out[instance] = check_arguments(*wanted, descriptions);
  }
  return out;
}

Words Instances::words(const std::string& instance) const {
  auto found = all_.find(instance);
  if (found == all_.end() || !found->second.wanted) return {{"run", "--help"}, {}};  // nothing starts it
  const WantedInstance& wanted = *found->second.wanted;
  return {{"run", wanted.description, "--pipelines", node_.descriptions, "--once", "--quiet", "--runtime-dir",
           node_.runtime_dir, "--instance", instance, "--settings-id", wanted.id},
          set_words(wanted.values)};
}

}  // namespace headgate::serve
