// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/record.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "sound.h"

namespace headgate::playlist {
namespace {

constexpr uint8_t kVersion = 1;

// One description of each record's fields, walked by a writer and by a reader. `Io` has number(), text(),
// flag() and chunks().
template <typename Io, typename Run>
void fields_of_run(Io& io, Run& run) {
  io.text(run.run);
  io.number(run.first_msn);
  io.number(run.discontinuity_sequence);
  io.number(run.utc_us);
  io.number(run.max_segment_ms);
  io.number(run.max_part_ms);
}
template <typename Io, typename Init>
void fields_of_init(Io& io, Init& init) {
  io.text(init.id);
  io.text(init.file);
  io.number(init.offset);
  io.number(init.length);
  io.text(init.codecs);
  io.number(init.width);
  io.number(init.height);
  io.number(init.frame_rate_milli);
  io.number(init.channels);
}
template <typename Io, typename Part>
void fields_of_part(Io& io, Part& part) {
  io.number(part.msn);
  io.number(part.index);
  io.text(part.file);
  io.number(part.offset);
  io.number(part.length);
  io.chunks(part.chunks);
  io.number(part.pts);
  io.number(part.duration);
  io.number(part.utc_us);
  io.flag(part.independent);
  io.flag(part.discontinuity);
}
template <typename Io, typename Segment>
void fields_of_segment(Io& io, Segment& segment) {
  io.number(segment.msn);
  io.text(segment.file);
  io.number(segment.offset);
  io.number(segment.length);
  io.number(segment.pts);
  io.number(segment.duration);
  io.number(segment.utc_us);
  io.text(segment.init_id);
  io.flag(segment.discontinuity);
  io.flag(segment.independent);
}
template <typename Io, typename Gap>
void fields_of_gap(Io& io, Gap& gap) {
  io.text(gap.reason);
  io.number(gap.from_pts);
  io.number(gap.to_pts);
  io.number(gap.from_utc_us);
  io.number(gap.to_utc_us);
}
template <typename Io, typename Rendition>
void fields_of_rendition(Io& io, Rendition& rendition) {
  io.state(rendition.state);
  io.flag(rendition.on_demand);
  io.text(rendition.codecs);
  io.number(rendition.width);
  io.number(rendition.height);
  io.number(rendition.frame_rate_milli);
  io.number(rendition.channels);
  io.number(rendition.bandwidth);
  io.number(rendition.average_bandwidth);
}

struct Writer {
  ByteWriter out;

  void number(uint32_t value) { out.u32(value); }
  void number(uint64_t value) { out.u64(value); }
  void number(int64_t value) { out.u64(static_cast<uint64_t>(value)); }
  void flag(bool value) { out.u8(value ? 1 : 0); }
  void state(RenditionState value) { out.u8(static_cast<uint8_t>(value)); }
  void text(const std::string& value) {
    const std::string_view cut = std::string_view(value).substr(0, kMaxText);
    out.u16(cut.size());
    out.text(cut);
  }
  void chunks(const std::vector<ChunkRange>& chunks) {
    const size_t count = std::min(chunks.size(), kMaxChunksOfPart);
    out.u8(count);
    for (size_t i = 0; i < count; ++i) {
      number(chunks[i].track_id);
      number(chunks[i].offset);
      number(chunks[i].length);
    }
  }

  void record(const RunRecord& run) {
    out.u8(run.dated_from_us == 0 ? 1 : 8);
    fields_of_run(*this, run);
    if (run.dated_from_us != 0) number(run.dated_from_us);
  }
  void record(const InitRecord& init) {
    out.u8(is_hdr(init.transfer) ? 9 : 2);
    fields_of_init(*this, init);
    if (is_hdr(init.transfer)) number(init.transfer);
  }
  void record(const PartRecord& part) {
    out.u8(3);
    fields_of_part(*this, part);
  }
  void record(const SegmentRecord& segment) {
    out.u8(4);
    fields_of_segment(*this, segment);
  }
  void record(const GapRecord& gap) {
    out.u8(5);
    fields_of_gap(*this, gap);
  }
  void record(const EndRecord& end) {
    out.u8(6);
    text(end.reason);
  }
  void record(const RenditionRecord& rendition) {
    out.u8(7);
    fields_of_rendition(*this, rendition);
  }
};

struct Reader {
  ByteReader in;
  bool good = true;

  void number(uint32_t& value) { value = in.u32(); }
  void number(uint64_t& value) { value = in.u64(); }
  void number(int64_t& value) { value = static_cast<int64_t>(in.u64()); }
  void flag(bool& value) {
    const uint8_t byte = in.u8();
    good &= byte <= 1;
    value = byte == 1;
  }
  void state(RenditionState& value) {
    const uint8_t byte = in.u8();
    good &= byte <= static_cast<uint8_t>(RenditionState::paused);
    value = static_cast<RenditionState>(byte);
  }
  void text(std::string& value) {
    const size_t length = in.u16();
    good &= length <= kMaxText;
    value = as_text(in.bytes(length));
  }
  void chunks(std::vector<ChunkRange>& chunks) {
    const size_t count = in.u8();
    good &= count <= kMaxChunksOfPart;
    for (size_t i = 0; i < count && good && in.ok(); ++i) {
      ChunkRange& chunk = chunks.emplace_back();
      number(chunk.track_id);
      number(chunk.offset);
      number(chunk.length);
    }
  }

  template <typename T, typename Fields>
  Record read(Fields fields) {
    T what;
    fields(*this, what);
    return what;
  }
  std::optional<Record> record(uint8_t type) {
    switch (type) {
      case 1:
        return read<RunRecord>([](auto& io, auto& run) { fields_of_run(io, run); });
      case 2:
        return read<InitRecord>([](auto& io, auto& init) { fields_of_init(io, init); });
      case 3:
        return read<PartRecord>([](auto& io, auto& part) { fields_of_part(io, part); });
      case 4:
        return read<SegmentRecord>([](auto& io, auto& segment) { fields_of_segment(io, segment); });
      case 5:
        return read<GapRecord>([](auto& io, auto& gap) { fields_of_gap(io, gap); });
      case 6:
        return read<EndRecord>([](auto& io, auto& end) { io.text(end.reason); });
      case 7:
        return read<RenditionRecord>([](auto& io, auto& rendition) { fields_of_rendition(io, rendition); });
      case 8:
        return read<RunRecord>([](auto& io, auto& run) {
          fields_of_run(io, run);
          io.number(run.dated_from_us);
          io.good &= run.dated_from_us != 0;
        });
      case 9:
        return read<InitRecord>([](auto& io, auto& init) {
          fields_of_init(io, init);
          io.number(init.transfer);
          io.good &= is_hdr(init.transfer);
        });
      default:
        return std::nullopt;
    }
  }
};

}  // namespace

bool is_later_run(std::string_view name, std::string_view other) {
  // <time>-<node>-<fraction>
  const auto order = [](std::string_view run) {
    return std::tuple(run.substr(0, run.find('-')), run.substr(run.rfind('-') + 1), run);
  };
  return order(name) > order(other);
}

void encode(const Record& record, ByteVector& bytes) {
  Writer writer{ByteWriter(bytes)};
  writer.out.u8(kVersion);
  std::visit([&writer](const auto& what) { writer.record(what); }, record);
}

Result<Record> decode(Bytes bytes) {
  if (bytes.size() > kMaxRecordBytes)
    return Unexpected("record of " + std::to_string(bytes.size()) + " bytes, more than " +
                      std::to_string(kMaxRecordBytes));
  Reader reader{ByteReader(bytes)};
  const uint8_t version = reader.in.u8();
  const uint8_t type = reader.in.u8();
  if (!reader.in.ok()) return Unexpected("record ends too early");
  if (version != kVersion) return Unexpected("record of version " + std::to_string(version));
  std::optional<Record> record = reader.record(type);
  if (!record) return Unexpected("record of type " + std::to_string(type));
  if (!reader.in.ok()) return Unexpected("record ends too early");
  if (reader.in.remaining() != 0)
    return Unexpected("record with " + std::to_string(reader.in.remaining()) + " bytes left over");
  if (!reader.good || !sound(*record)) return Unexpected("record with numbers that cannot be");
  return std::move(*record);
}

}  // namespace headgate::playlist
