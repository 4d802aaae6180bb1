// SPDX-License-Identifier: LGPL-2.1-or-later
#include "our_runs.h"

#include <base/json.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "address.h"
#include "run_verdict.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_directory(gone)) out.push_back(at->path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool of_this_machine(const std::string& host) {
  const auto own = own_addresses();
  return host.starts_with("127.") || std::find(own.begin(), own.end(), host) != own.end();
}

}  // namespace

OurRuns::OurRuns(std::string folder, std::string ticket_id)
    : folder_(std::move(folder)), ticket_id_(std::move(ticket_id)) {
  for (std::string& run : folders_in(folder_)) before_.insert(std::move(run));
}

bool OurRuns::is_ours(const std::string& run) const {
  std::ifstream chain(run + "/run.jl");
  std::string line;
  if (!std::getline(chain, line)) return false;
  const Json opened = Json::object_of(line);
  if (opened.text("t") != "open" || opened.text("tid") != ticket_id_) return false;
  auto peer = parse_host_port(opened.text("peer"));
  return peer && ports_.count(peer->port) != 0 && of_this_machine(peer->host);
}

std::vector<std::string> OurRuns::list() const {
  std::vector<std::string> out;
  for (const std::string& run : folders_in(folder_))
    if (before_.count(run) == 0 && is_ours(run)) out.push_back(run);
  return out;
}

std::vector<std::string> OurRuns::remove_ended() const {
  std::vector<std::string> left;
  for (const std::string& run : list()) {
    std::error_code error;
    if (judge_run(run).ended.empty() || fs::remove_all(run, error) == 0 || error) left.push_back(run);
  }
  std::error_code error;
  fs::remove(folder_, error);  // unless somebody else has recorded there
  return left;
}

}  // namespace headgate::preflight
