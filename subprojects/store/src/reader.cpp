// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>
#include <store/reader.h>
#include <unistd.h>

#include <cerrno>

#include "chain.h"
#include "chain_lock.h"
#include "layout.h"
#include "run_scan.h"

namespace headgate::store {

Result<RunRecords> read_run(const std::string& root, uint32_t event, uint32_t station,
                            const std::string& run) {
  std::string prefix = station_directory(event, station) + "/" + run;
  std::string directory = root + "/" + prefix;
  RunRecords out;
  // Asked first: a run that ends while it is read is then at worst called living, and read to its end.
  out.writing = chain_has_writer(directory);
  auto bytes = read_file(directory + "/" + std::string(kChainName), kMaxChainBytes);
  // Made in this moment, or its writer died in that moment: nothing is in it.
  if (!bytes && bytes.error().code == ENOENT && ::access(directory.c_str(), F_OK) == 0) return out;
  if (!bytes) return Unexpected(bytes.error());
  RunScan scan(directory, prefix, [&](playlist::Record record) { out.records.push_back(std::move(record)); });
  ChainText chain = read_chain(as_text(*bytes), run);
  for (const ChainLine& line : chain.lines)
    if (line.state == LineState::sound) scan.line(line.text);
  if (!scan.ended()) scan.tail(out.writing);
  out.ended = scan.ended();
  return out;
}

}  // namespace headgate::store
