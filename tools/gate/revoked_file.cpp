// SPDX-License-Identifier: LGPL-2.1-or-later
#include "revoked_file.h"

#include <base/encoding.h>
#include <base/io.h>
#include <common/log.h>
#include <ticket/revoked.h>

#include <utility>

namespace headgate::gate {

RevokedFile::RevokedFile(ticket::Verifier& verifier, std::string path, std::string kept)
    : verifier_(verifier), path_(std::move(path)), kept_(std::move(kept)) {}

Result<void> RevokedFile::check() const {
  if (path_.empty()) return {};
  if (auto list = ticket::load_revoked(path_); !list) return Unexpected(list.error());
  return {};
}

void RevokedFile::take(std::set<ticket::TicketId> revoked) {
  any_ = !revoked.empty();
  tools::log_notice("read the list of revoked tickets", {{"FILE", path_}, {"COUNT", revoked.size()}});
  std::string text;
  for (const ticket::TicketId& tid : revoked) text += to_hex(tid) + "\n";
  if (auto copied = replace_file(kept_, as_bytes(text), 0600); !copied)
    tools::log_warning("no copy of the list of revoked tickets: " + copied.error().message);
  verifier_.set_revoked(std::move(revoked));
}

void RevokedFile::load() {
  if (path_.empty()) return;
  reload(true);
  if (any_) return;
  if (check()) return;  // it is empty
  if (auto kept = ticket::load_revoked(kept_)) {
    tools::log_error("the list of revoked tickets is the last right one");
    take(*std::move(kept));
  }
}

void RevokedFile::reload(bool always) {
  if (path_.empty()) return;
  const FileStamp stamp = stamp_of(path_);  // before reading: what comes after is seen next time
  if (!always && stamp == stamp_) return;
  stamp_ = stamp;
  auto list = ticket::load_revoked(path_);
  if (list)
    take(*std::move(list));
  else
    tools::log_error("the list of revoked tickets stays what it was: " + list.error().message);
}

}  // namespace headgate::gate
