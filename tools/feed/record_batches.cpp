// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/record_batches.h>

namespace headgate::tools {

void RecordBatches::add(const wire::SessionOpened& of, const std::string& rendition, Bytes record) {
  wire::StreamRecords& batch = batches_[{of.session, rendition}];
  const auto length = static_cast<uint32_t>(record.size());
  if (batch.records.size() + sizeof length + length > wire::kMaxRecordsBytes) {
    // In its order: the source's before a rendition's.
    for (auto before = batches_.lower_bound({of.session, ""}); &before->second != &batch; ++before)
      tell(before->second);
    tell(batch);
  }
  batch.rendition = rendition;
  batch.session = of.session;
  batch.event = of.event;
  batch.station = of.station;
  ByteWriter writer(batch.records);
  writer.u32(length);
  writer.bytes(record);
}

void RecordBatches::tell(wire::StreamRecords& batch) {
  if (!batch.records.empty()) tell_(batch);
  batch.records.clear();
}

void RecordBatches::flush(uint64_t session) {
  const auto first = batches_.lower_bound({session, ""}), last = batches_.lower_bound({session + 1, ""});
  for (auto batch = first; batch != last; ++batch) tell(batch->second);
  batches_.erase(first, last);
}

void RecordBatches::flush_all() {
  for (auto& [key, batch] : batches_) tell(batch);
  batches_.clear();
}

}  // namespace headgate::tools
