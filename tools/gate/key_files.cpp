// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_files.h"

#include <common/log.h>

#include <utility>

namespace headgate::gate {

KeyFiles::KeyFiles(ticket::Verifier& verifier, std::string folder, KeptKeys kept)
    : verifier_(verifier), folder_(std::move(folder)), kept_(std::move(kept)) {}

void KeyFiles::begin_with(const ticket::NodeKeys& keys) {
  kids_ = ticket::kids_of(keys);
  digest_ = ticket::digest_of(keys);
}

Result<bool> KeyFiles::take(bool always) {
  auto read = folder_.read(always);
  if (!read) return Unexpected(read.error());
  if (!*read) return false;
  const std::string kids = ticket::kids_of(**read), digest = ticket::digest_of(**read);
  const ticket::NodeKeys keys = **read;
  if (auto set = verifier_.set_keys(*std::move(*read)); !set)
    return Unexpected(folder_.path() + ": " + set.error().message);
  if (auto kept = kept_.keep(keys); !kept)
    tools::log_warning("a gate that is started while the folder is wrong has no keys: " +
                       kept.error().message);
  problem_.clear();
  kids_ = kids;
  return std::exchange(digest_, digest) != digest;
}

void KeyFiles::reload(bool always) {
  if (folder_.path().empty()) return;
  const auto others = take(always);
  if (!others) {
    problem_ = others.error().message;
    tools::log_error("the keys stay what they were: " + problem_);
  } else if (*others) {
    tools::log_notice("tickets are held against these keys", {{"FOLDER", folder_.path()}, {"KIDS", kids_}});
  }
}

}  // namespace headgate::gate
