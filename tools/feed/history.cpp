// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/history.h>

#include <playlist/record.h>
#include <wire/messages.h>

#include <algorithm>

namespace headgate::tools {

void History::add(Bytes bytes) {
  auto record = playlist::decode(bytes);
  if (!record) return;
  Kind kind = Kind::other;
  if (std::holds_alternative<playlist::RunRecord>(*record)) kind = Kind::run;
  if (std::holds_alternative<playlist::InitRecord>(*record)) kind = Kind::init;
  if (std::holds_alternative<playlist::PartRecord>(*record)) kind = Kind::part;
  if (std::holds_alternative<playlist::SegmentRecord>(*record)) {
    kind = Kind::segment;
    std::erase_if(entries_, [](const Entry& entry) { return entry.kind == Kind::part; });
    ++segments_;
  }
  if (std::holds_alternative<playlist::RenditionRecord>(*record)) {
    kind = Kind::rendition;
    std::erase_if(entries_, [](const Entry& entry) { return entry.kind == Kind::rendition; });
  }
  entries_.push_back({kind, {bytes.begin(), bytes.end()}});
  forget_old();
}

void History::forget_old() {
  // Runs and init segments stay: later segments need them. There are few: one run in a session, an init
  // segment for each change of codec parameters.
  auto forgettable = [](const Entry& entry) {
    return entry.kind == Kind::part || entry.kind == Kind::segment || entry.kind == Kind::other;
  };
  while (segments_ > kHistorySegments || entries_.size() > kHistoryRecords) {
    auto oldest = std::find_if(entries_.begin(), entries_.end(), forgettable);
    if (oldest == entries_.end()) oldest = entries_.begin();
    if (oldest->kind == Kind::segment) --segments_;
    entries_.erase(oldest);
  }
}

void History::replay(const std::function<void(ByteVector batch)>& send) const {
  ByteVector batch;
  for (const Entry& entry : entries_) {
    if (!batch.empty() && batch.size() + 4 + entry.bytes.size() > wire::kMaxRecordsBytes)
      send(std::exchange(batch, {}));
    ByteWriter writer(batch);
    writer.u32(entry.bytes.size());
    writer.bytes(entry.bytes);
  }
  if (!batch.empty()) send(std::move(batch));
}

}  // namespace headgate::tools
