// SPDX-License-Identifier: LGPL-2.1-or-later
// Which runs of a station are the synthetic publisher's own. On a node that runs, others may come with the
// same ticket meanwhile: theirs are evidence, and nobody's to judge or to remove.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace headgate::preflight {

class OurRuns {
 public:
  // `folder`: …/st/XX/STATION. What lies there now is others'. `ticket_id`: hex.
  OurRuns(std::string folder, std::string ticket_id);
  // The publisher had these ports.
  void add_ports(const std::set<int>& ports) { ports_.insert(ports.begin(), ports.end()); }
  // Folders of the runs that were opened since, by that ticket, from one of those ports of this machine: as
  // their `open` says (docs/archive.md).
  std::vector<std::string> list() const;
  // Removes those of them that have an end; gives those that have none.
  std::vector<std::string> remove_ended() const;
  const std::string& folder() const { return folder_; }

 private:
  bool is_ours(const std::string& run) const;

  const std::string folder_, ticket_id_;
  std::set<std::string> before_;
  std::set<int> ports_;
};

}  // namespace headgate::preflight
