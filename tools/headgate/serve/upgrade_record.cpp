// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade_record.h"

#include <base/io.h>
#include <common/log.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace headgate::serve {
namespace {

Result<void> write_whole(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".tmp";
  auto fd = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), as_bytes(text)); !written) return written;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("rename " + fresh);
  return {};
}

}  // namespace

std::string label_of(const Child& child) {
  const std::string name = socket_name_of(child);
  return name.substr(0, name.rfind('.'));
}

UpgradeRecord::UpgradeRecord(std::string runtime_dir, Children& children, const Workers& workers)
    : file_(std::move(runtime_dir) + "/" + kUpgradeFile), children_(children), workers_(workers) {}

void UpgradeRecord::take_over() {
  if (auto before = read_upgrade_report(file_)) report_ = *std::move(before);
  report_.pid = ::getpid();
  report_.version = HEADGATE_VERSION;
  keep_retiring();
  if (report_.state != UpgradeReport::State::checking) return;
  report_.state = UpgradeReport::State::refused;
  report_.reason = "the supervisor ended while the programs on disk were tried";
}

void UpgradeRecord::adopted() {
  std::erase_if(report_.processes, [this](const Process& one) {
    Child* child = children_.find(one.name + ".sock");
    const bool there = child && child->running() && child->pid() == one.pid;
    if (there) child->retire();
    return !there;
  });
  tell();
}

void UpgradeRecord::begin() {
  ++report_.number;
  report_.state = UpgradeReport::State::checking;
  report_.reason.clear();
  keep_retiring();
}

void UpgradeRecord::keep_retiring() {
  std::erase_if(report_.processes, [](const Process& one) { return one.state != Process::State::retiring; });
}

void UpgradeRecord::tell() {
  for (Process& one : report_.processes) {
    if (one.state == Process::State::ended) continue;
    const Child* child = children_.find(one.name + ".sock");
    one.sessions = child && child->incompatible() ? kUnknownSessions : workers_.sessions_of(one.name);
  }
  const std::string text = report_.json();
  if (text == told_) return;
  if (auto written = write_whole(file_, text + "\n"); !written)
    return tools::log_warning(written.error().message);
  told_ = text;
}

UpgradeReport::Process& UpgradeRecord::process(const Child& child) {
  const std::string name = label_of(child);
  for (Process& one : report_.processes)
    if (one.name == name) return one;
  report_.processes.push_back({name, child.pid(), 0, Process::State::kept, 0});
  return report_.processes.back();
}

void UpgradeRecord::note(const Child& child, Process::State state) {
  Process& one = process(child);
  if (child.running()) one.pid = child.pid();
  one.state = state;
}

void UpgradeRecord::note_failed() {
  for (Process& one : report_.processes)
    if (one.state == Process::State::starting) one.state = Process::State::failed;
}

}  // namespace headgate::serve
