// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mpegts/demuxer.h>

#include <algorithm>
#include <vector>

#include "elementary.h"
#include "packet.h"
#include "pes.h"
#include "psi.h"
#include "section.h"

namespace headgate::mpegts {
namespace {

// In step again is where so many packets begin with the sync byte, one behind the other.
constexpr size_t kSyncPackets = 3;
constexpr size_t kSyncWindow = kSyncPackets * kPacketBytes;

struct Program {
  Program(const ProgramEntry& entry, Stats& stats) : entry(entry), sections(stats) {}
  ProgramEntry entry;
  SectionReader sections;
};

struct Reader {
  Stream stream;
  PesReader pes;
};

bool is_same(const Stream& a, const Stream& b) {
  return a.pid == b.pid && a.codec == b.codec && a.opus_channels == b.opus_channels;
}

// A packet behind which the next does not begin is not whole, as far as that can be seen yet.
bool is_in_step(Bytes packet, Bytes behind) {
  return packet[0] == kSyncByte && (behind.empty() || behind[0] == kSyncByte);
}

bool has_media(const ProgramMap& map) {
  return std::any_of(map.streams.begin(), map.streams.end(),
                     [](const Stream& stream) { return stream.kind != Kind::data; });
}

}  // namespace

class Demuxer::Impl {
 public:
  explicit Impl(Sink& sink) : sink_(sink) {}
  void feed(Bytes data);
  void lose(size_t bytes);
  void flush();
  const Stats& stats() const { return stats_; }

 private:
  void search(Bytes& data);
  void lose_step();
  void packet(Bytes data);
  void take_pat(Bytes section);
  void take_pmt(Program& program, Bytes section);
  void finish_missing(const ProgramMap& map);
  void leave_program();

  Sink& sink_;
  Stats stats_;
  ByteVector rest_;      // of a packet; out of step: what was searched and may still hold one
  bool in_step_ = true;  // packets begin where they are looked for
  SectionReader pat_{stats_};
  std::vector<Program> programs_;
  std::optional<uint16_t> chosen_;  // program_number
  std::vector<Reader> readers_;     // of the chosen program
};

void Demuxer::Impl::feed(Bytes data) {
  while (!data.empty()) {
    if (!in_step_) {
      search(data);
    } else if (rest_.empty() && data.size() >= kPacketBytes) {
      if (!is_in_step(data.first(kPacketBytes), data.subspan(kPacketBytes))) {
        lose_step();
        continue;
      }
      packet(data.first(kPacketBytes));
      data = data.subspan(kPacketBytes);
    } else {
      const Bytes part = data.first(std::min(data.size(), kPacketBytes - rest_.size()));
      rest_.insert(rest_.end(), part.begin(), part.end());
      data = data.subspan(part.size());
      if (!is_in_step(rest_, rest_.size() == kPacketBytes ? data : Bytes())) {
        lose_step();
      } else if (rest_.size() == kPacketBytes) {
        packet(rest_);
        rest_.clear();
      }
    }
  }
}

// Bytes are missing, perhaps out of the packet before.
void Demuxer::Impl::lose_step() {
  in_step_ = false;
  ++stats_.sync_losses;
  for (Reader& reader : readers_) reader.pes.lose();
}

// Moves bytes of `data` into rest_ until that shows where packets begin.
void Demuxer::Impl::search(Bytes& data) {
  const Bytes part = data.first(std::min(data.size(), kSyncWindow + kPacketBytes - 1 - rest_.size()));
  rest_.insert(rest_.end(), part.begin(), part.end());
  data = data.subspan(part.size());
  size_t at = 0;
  const auto is_sync = [&](size_t offset) { return rest_[offset] == kSyncByte; };
  while (at + (kSyncPackets - 1) * kPacketBytes < rest_.size() && !in_step_) {
    in_step_ = true;
    for (size_t i = 0; i < kSyncPackets; ++i) in_step_ = in_step_ && is_sync(at + i * kPacketBytes);
    if (!in_step_) ++at;
  }
  if (in_step_) {
    for (; rest_.size() - at >= kPacketBytes; at += kPacketBytes)
      packet(Bytes(rest_).subspan(at, kPacketBytes));
  }
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Demuxer::Impl::packet(Bytes data) {
  ++stats_.packets;
  const std::optional<Packet> packet = parse_packet(data);
  if (!packet) {
    ++stats_.unusable_packets;
    return;
  }
  if (packet->pid == kPatPid) {
    for (const ByteVector& section : pat_.feed(*packet)) take_pat(section);
    return;
  }
  for (Reader& reader : readers_)
    if (reader.stream.pid == packet->pid) return reader.pes.feed(*packet);
  // Several programs may share a PID for their maps.
  for (size_t i = 0; i < programs_.size(); ++i) {
    if (programs_[i].entry.pmt_pid != packet->pid) continue;
    for (const ByteVector& section : programs_[i].sections.feed(*packet)) take_pmt(programs_[i], section);
  }
}

void Demuxer::Impl::take_pat(Bytes section) {
  const auto entries = parse_pat(section);
  if (!entries) return;
  std::vector<Program> programs;
  for (const ProgramEntry& entry : *entries) {
    const auto known = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const Program& program) { return program.entry == entry; });
    if (known != programs_.end())
      programs.push_back(std::move(*known));
    else
      programs.emplace_back(entry, stats_);
  }
  programs_ = std::move(programs);
  const bool still_there = std::any_of(programs_.begin(), programs_.end(), [&](const Program& program) {
    return program.entry.number == chosen_;
  });
  if (chosen_ && !still_there) leave_program();
}

void Demuxer::Impl::take_pmt(Program& program, Bytes section) {
  std::optional<ProgramMap> map = parse_pmt(section);
  if (!map || map->number != program.entry.number) return;
  if (chosen_ ? *chosen_ != map->number : !has_media(*map)) return;
  chosen_ = map->number;
  finish_missing(*map);
  sink_.on_program(map->streams);
  std::vector<Reader> readers;
  for (const Stream& stream : map->streams) {
    if (!stream.taken || !stream.codec || readers.size() == kMaxTakenStreams) continue;
    const auto known = std::find_if(readers_.begin(), readers_.end(),
                                    [&](const Reader& reader) { return is_same(reader.stream, stream); });
    if (known != readers_.end()) {
      readers.push_back(std::move(*known));
      readers_.erase(known);
      continue;
    }
    Output output(stream.pid, sink_, stats_);
    auto assembler = stream.kind == Kind::video
                         ? make_video(*stream.codec, std::move(output))
                         : make_audio(*stream.codec, stream.opus_channels, std::move(output));
    readers.push_back({stream, PesReader(std::move(assembler), stats_)});
  }
  for (Reader& gone : readers_) gone.pes.finish();
  readers_ = std::move(readers);
}

// What is still kept of streams that the map does not have any more, while the sink knows them.
void Demuxer::Impl::finish_missing(const ProgramMap& map) {
  for (auto reader = readers_.begin(); reader != readers_.end();) {
    if (std::any_of(map.streams.begin(), map.streams.end(),
                    [&](const Stream& stream) { return is_same(reader->stream, stream); })) {
      ++reader;
      continue;
    }
    reader->pes.finish();
    reader = readers_.erase(reader);
  }
}

void Demuxer::Impl::leave_program() {
  for (Reader& reader : readers_) reader.pes.finish();
  readers_.clear();
  chosen_.reset();
  // Maps that were passed over count again.
  for (Program& program : programs_) program.sections = SectionReader(stats_);
}

// As many packets of one stream as its counter has values are none to it.
void Demuxer::Impl::lose(size_t bytes) {
  constexpr size_t kCounterValues = 16;
  if (bytes < kCounterValues * kPacketBytes) return;
  for (Reader& reader : readers_) reader.pes.lose();
}

void Demuxer::Impl::flush() {
  leave_program();
  programs_.clear();
  pat_ = SectionReader(stats_);
  rest_.clear();
  in_step_ = true;
}

Demuxer::Demuxer(Sink& sink) : impl_(std::make_unique<Impl>(sink)) {}
Demuxer::~Demuxer() = default;
void Demuxer::feed(Bytes data) {
  impl_->feed(data);
}
void Demuxer::lose(size_t bytes) {
  impl_->lose(bytes);
}
void Demuxer::flush() {
  impl_->flush();
}
const Stats& Demuxer::stats() const {
  return impl_->stats();
}

}  // namespace headgate::mpegts
