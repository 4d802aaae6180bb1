// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fill_end.h"

#include <base/io.h>
#include <fcntl.h>
#include <playlist/rendition.h>
#include <store/derived.h>
#include <store/reader.h>

#include "chain.h"
#include "layout.h"
#include "run_scan.h"

namespace headgate::store {
namespace {

// Its first line says so.
bool follows(const std::string& directory, const std::string& run) {
  auto chain = open_file(directory + "/" + std::string(kChainName), O_RDONLY);
  if (!chain) return false;
  ByteVector head(kMaxLineBytes);
  const ssize_t size = ::pread(chain->get(), head.data(), head.size(), 0);
  if (size <= 0) return false;
  const std::string_view text = as_text(head).substr(0, static_cast<size_t>(size));
  return text.substr(0, text.find('\n')).find("\"of\":\"" + run + "\"") != text.npos;
}

}  // namespace

std::optional<FillEnd> find_fill_end(const std::string& root, uint32_t event, uint32_t station,
                                     const Continuation& previous) {
  if (previous.run.empty()) return std::nullopt;
  const std::string volume = root + "/" + kDerivedFolder + "/" + std::string(playlist::kFill);
  const auto runs = list_runs(volume, event, station);
  if (runs.empty()) return std::nullopt;
  const std::string directory = volume + "/" + station_directory(event, station) + "/" + runs.back();
  if (!follows(directory, previous.run)) return std::nullopt;
  bool ended = false;
  const auto state = scan_continuation(directory, ended);
  if (!state || !state->any_media || state->next_msn <= previous.next_msn) return std::nullopt;
  return FillEnd{state->next_msn, state->next_dseq, state->end_pts, state->end_utc_us};
}

}  // namespace headgate::store
