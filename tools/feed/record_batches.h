// SPDX-License-Identifier: LGPL-2.1-or-later
// What pipelines have recorded, of many sessions at a time, gathered into messages for the origin: few, and
// none larger than one may be.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <base/bytes.h>
#include <wire/messages.h>

namespace headgate::tools {

class RecordBatches {
 public:
  // May be called within any of these.
  using Tell = std::function<void(const wire::StreamRecords& records)>;
  explicit RecordBatches(Tell tell) : tell_(std::move(tell)) {}

  // One record, behind those of the same rendition ("": the source).
  void add(const wire::SessionOpened& of, const std::string& rendition, Bytes record);
  // Tells what is gathered of a session, or of all: the source's before its renditions'.
  void flush(uint64_t session);
  void flush_all();

 private:
  using Key = std::pair<uint64_t, std::string>;  // session, rendition
  void tell(wire::StreamRecords& batch);

  const Tell tell_;
  std::map<Key, wire::StreamRecords> batches_;
};

}  // namespace headgate::tools
