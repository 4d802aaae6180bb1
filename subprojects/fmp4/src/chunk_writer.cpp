// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chunk_writer.h"

#include "box.h"
#include "sample_flags.h"

namespace headgate::fmp4 {
namespace {

uint32_t flags_of(const AccessUnit& unit) {
  return unit.key || unit.kind == codec::Kind::audio ? kSyncSample : kNonSyncSample;
}

uint32_t duration_of(std::span<const AccessUnit> units, size_t i, uint32_t last_duration) {
  return i + 1 < units.size() ? static_cast<uint32_t>(units[i + 1].dts - units[i].dts) : last_duration;
}

// Which fields the samples share, so that the tfhd says them once.
struct Layout {
  bool same_duration = true, same_size = true, same_flags = true, first_differs = true;
  bool composition = false;
  uint64_t bytes = 0;

  Layout(std::span<const AccessUnit> units, uint32_t last_duration) {
    for (size_t i = 0; i < units.size(); ++i) {
      const AccessUnit& unit = units[i];
      same_duration &= duration_of(units, i, last_duration) == duration_of(units, 0, last_duration);
      same_size &= unit.data.size() == units[0].data.size();
      same_flags &= flags_of(unit) == flags_of(units[0]);
      first_differs &= i == 0 || flags_of(unit) == flags_of(units[1]);
      composition |= unit.pts != unit.dts;
      bytes += unit.data.size();
    }
    first_differs &= !same_flags;
  }

  uint32_t tfhd() const {
    return kTfhdBaseIsMoof | (same_duration ? kTfhdDuration : 0) | (same_size ? kTfhdSize : 0) |
           (same_flags || first_differs ? kTfhdFlags : 0);
  }
  uint32_t trun() const {
    return kTrunDataOffset | (first_differs ? kTrunFirstFlags : 0) | (same_duration ? 0 : kTrunDuration) |
           (same_size ? 0 : kTrunSize) | (same_flags || first_differs ? 0 : kTrunFlags) |
           (composition ? kTrunComposition : 0);
  }
};

void write_tfhd(ByteWriter& out, uint32_t track_id, const Layout& layout, std::span<const AccessUnit> units,
                uint32_t last_duration) {
  const uint32_t flags = layout.tfhd();
  Box box(out, four_cc("tfhd"), 0, flags);
  out.u32(track_id);
  if (flags & kTfhdDuration) out.u32(duration_of(units, 0, last_duration));
  if (flags & kTfhdSize) out.u32(units[0].data.size());
  if (flags & kTfhdFlags) out.u32(flags_of(units.back()));
}

// Returns where the data offset stands.
size_t write_trun(ByteWriter& out, const Layout& layout, std::span<const AccessUnit> units,
                  uint32_t last_duration) {
  const uint32_t flags = layout.trun();
  Box box(out, four_cc("trun"), 1, flags);
  out.u32(units.size());
  const size_t data_offset_at = out.size();
  out.u32(0);
  if (flags & kTrunFirstFlags) out.u32(flags_of(units[0]));
  for (size_t i = 0; i < units.size(); ++i) {
    if (flags & kTrunDuration) out.u32(duration_of(units, i, last_duration));
    if (flags & kTrunSize) out.u32(units[i].data.size());
    if (flags & kTrunFlags) out.u32(flags_of(units[i]));
    if (flags & kTrunComposition) out.u32(static_cast<uint32_t>(units[i].pts - units[i].dts));
  }
  return data_offset_at;
}

}  // namespace

void write_chunk_header(ByteVector& bytes, uint32_t sequence, uint32_t track_id,
                        std::span<const AccessUnit> units, uint32_t last_duration) {
  ByteWriter out(bytes);
  const size_t start = out.size();
  const Layout layout(units, last_duration);
  size_t data_offset_at = 0;
  {
    Box moof(out, four_cc("moof"));
    {
      Box mfhd(out, four_cc("mfhd"), 0, 0);
      out.u32(sequence);
    }
    Box traf(out, four_cc("traf"));
    write_tfhd(out, track_id, layout, units, last_duration);
    {
      Box tfdt(out, four_cc("tfdt"), 1, 0);
      out.u64(static_cast<uint64_t>(units[0].dts));
    }
    data_offset_at = write_trun(out, layout, units, last_duration);
  }
  out.u32(kBoxHeader + layout.bytes);
  out.u32(four_cc("mdat"));
  out.patch_u32(data_offset_at, static_cast<uint32_t>(out.size() - start));
}

}  // namespace headgate::fmp4
