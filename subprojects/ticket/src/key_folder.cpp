// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/key_folder.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace headgate::ticket {
namespace {

namespace fs = std::filesystem;

// Those that load_node_keys() may read.
bool is_a_nodes(const std::string& name) {
  return name == "event.json" || (name.starts_with("issuer-") && name.ends_with(".pub")) ||
         (name.starts_with("master-") && name.ends_with(".key"));
}

}  // namespace

KeyFolder::Stamps KeyFolder::stamps() const {
  Stamps out;
  std::error_code error;
  for (auto at = fs::directory_iterator(path_, error); !error && at != fs::directory_iterator();
       at.increment(error))
    if (const std::string name = at->path().filename().string(); is_a_nodes(name))
      out[name] = stamp_of(at->path().string());
  return out;
}

Result<std::optional<NodeKeys>> KeyFolder::read(bool always) {
  Stamps now = stamps();  // before reading: what comes after is seen the next time
  if (!always && stamps_ == now) return std::optional<NodeKeys>();
  stamps_ = std::move(now);
  auto keys = load_node_keys(path_);
  if (!keys) return Unexpected(keys.error());
  return std::optional(*std::move(keys));
}

}  // namespace headgate::ticket
