// SPDX-License-Identifier: LGPL-2.1-or-later
// A node's folder of keys that may get others while the node runs: one is added before it is needed, one that
// was stolen is taken away. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <base/file_stamp.h>
#include <base/result.h>
#include <ticket/verifier.h>

namespace headgate::ticket {

class KeyFolder {
 public:
  explicit KeyFolder(std::string path) : path_(std::move(path)) {}

  // All of its keys, when it was not read before, when one of its key files or event.json is another than
  // then, or comes or goes, or if `always`; otherwise nothing. The error is load_node_keys()'s, and is told
  // once as well. Reads the folder and the state of its key files; those themselves only to read the keys.
  Result<std::optional<NodeKeys>> read(bool always = false);
  const std::string& path() const { return path_; }

 private:
  using Stamps = std::map<std::string, FileStamp>;  // by file name
  Stamps stamps() const;

  const std::string path_;
  std::optional<Stamps> stamps_;  // when it was read last
};

}  // namespace headgate::ticket
