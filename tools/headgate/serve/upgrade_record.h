// SPDX-License-Identifier: LGPL-2.1-or-later
// What is told of an upgrade: which process is where, in a file that `headgate upgrade` reads and that the
// next supervisor goes on with. In the loop's thread.
#pragma once

#include <cstdint>
#include <string>

#include "children.h"
#include "upgrade_report.h"
#include "workers.h"

namespace headgate::serve {

class UpgradeRecord {
 public:
  using Process = UpgradeReport::Process;
  UpgradeRecord(std::string runtime_dir, Children& children, const Workers& workers);

  // What the supervisor before has left, of which those that retired may still be there.
  void take_over();
  // Of these, who is there goes on retiring; the others are forgotten.
  void adopted();
  // Another upgrade begins: those that retire are told of in it as well.
  void begin();
  // Writes the file where it says something else than before.
  void tell();

  UpgradeReport& report() { return report_; }
  const UpgradeReport& report() const { return report_; }
  Process& process(const Child& child);  // made if there is none
  void note(const Child& child, Process::State state);
  // Whatever was being started has failed.
  void note_failed();

 private:
  void keep_retiring();

  const std::string file_;
  Children& children_;
  const Workers& workers_;
  UpgradeReport report_;
  std::string told_;
};

// "worker-3", "gate"; "gate-aside-123" for one that has made room.
std::string label_of(const Child& child);

}  // namespace headgate::serve
