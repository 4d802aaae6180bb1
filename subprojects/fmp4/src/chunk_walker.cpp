// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <limits>
#include <variant>

#include <fmp4/reader.h>

#include "box_reader.h"
#include "sample_flags.h"

namespace headgate::fmp4 {
namespace {

struct Defaults {  // of a traf's samples
  uint32_t duration = 0, size = 0, flags = 0;
};

struct TrackFragment {
  ChunkInfo info;
  uint64_t payload = 0;                        // bytes of all samples
  uint32_t data_offset = 0;                    // of the first, from the moof
  std::vector<SampleInfo>* samples = nullptr;  // filled when wanted; offsets from the first sample
};

Result<Defaults> read_tfhd(Bytes body, ChunkInfo& info) {
  ByteReader reader(body);
  const uint32_t flags = reader.u32() & 0xffffff;
  info.track_id = reader.u32();
  Defaults defaults;
  if (flags & kTfhdBaseDataOffset) return Unexpected("tfhd: absolute data offset");
  if (flags & kTfhdSampleDescription) reader.skip(4);
  if (flags & kTfhdDuration) defaults.duration = reader.u32();
  if (flags & kTfhdSize) defaults.size = reader.u32();
  if (flags & kTfhdFlags) defaults.flags = reader.u32();
  if (!reader.ok()) return Unexpected("tfhd: ends too early");
  return defaults;
}

Result<void> read_tfdt(Bytes body, ChunkInfo& info) {
  ByteReader reader(body);
  const bool wide = reader.u32() >> 24 == 1;
  info.decode_time = wide ? reader.u64() : reader.u32();
  if (!reader.ok()) return Unexpected("tfdt: ends too early");
  if (info.decode_time > uint64_t{std::numeric_limits<int64_t>::max()} / 2)
    return Unexpected("tfdt: out of range");
  return {};
}

// Sums over at most 2^18 samples of 32-bit fields stay far inside 64 bits.
Result<void> read_trun(Bytes body, const Defaults& defaults, TrackFragment& fragment) {
  ByteReader reader(body);
  const uint32_t head = reader.u32();
  const uint32_t flags = head & 0xffffff;
  const bool is_signed = head >> 24 != 0;
  const uint32_t count = reader.u32();
  if (flags & kTrunDataOffset) fragment.data_offset = reader.u32();
  const uint32_t first_flags = flags & kTrunFirstFlags ? reader.u32() : defaults.flags;
  const size_t sample_bytes = 4 * ((flags & kTrunDuration ? 1 : 0) + (flags & kTrunSize ? 1 : 0) +
                                   (flags & kTrunFlags ? 1 : 0) + (flags & kTrunComposition ? 1 : 0));
  if (!reader.ok() || count == 0) return Unexpected("trun: no samples");
  // Samples that take no byte here are bounded like the others.
  if (count > kMaxMoofBytes || count * sample_bytes > reader.remaining())
    return Unexpected("trun: " + std::to_string(count) + " samples do not fit");
  ChunkInfo& info = fragment.info;
  info.samples = count;
  info.earliest_pts = std::numeric_limits<int64_t>::max();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t duration = flags & kTrunDuration ? reader.u32() : defaults.duration;
    const uint32_t size = flags & kTrunSize ? reader.u32() : defaults.size;
    const uint32_t sample_flags = flags & kTrunFlags ? reader.u32() : i == 0 ? first_flags : defaults.flags;
    const uint32_t composition = flags & kTrunComposition ? reader.u32() : 0;
    if (i == 0) info.first_is_sync = (sample_flags & kNonSyncBit) == 0;
    const int64_t offset = is_signed ? int64_t{static_cast<int32_t>(composition)} : int64_t{composition};
    const auto dts = static_cast<int64_t>(info.decode_time + info.duration);
    const int64_t pts = dts + offset;
    info.earliest_pts = std::min(info.earliest_pts, pts);
    if (fragment.samples)
      fragment.samples->push_back({fragment.payload, size, pts, (sample_flags & kNonSyncBit) == 0, dts});
    info.duration += duration;
    fragment.payload += size;
  }
  return {};
}

// moof with one traf with one trun: what we write.
Result<TrackFragment> read_moof(Bytes moof, std::vector<SampleInfo>* samples = nullptr) {
  const std::optional<Bytes> mfhd = find_box(moof, four_cc("mfhd"));
  const std::optional<Bytes> traf = find_box(moof, four_cc("traf"));
  const std::optional<Bytes> tfhd = traf ? find_box(*traf, four_cc("tfhd")) : std::nullopt;
  const std::optional<Bytes> tfdt = traf ? find_box(*traf, four_cc("tfdt")) : std::nullopt;
  const std::optional<Bytes> trun = traf ? find_box(*traf, four_cc("trun")) : std::nullopt;
  if (!mfhd || mfhd->size() < 8 || !tfhd || !tfdt || !trun)
    return Unexpected("mfhd, tfhd, tfdt or trun is missing");
  TrackFragment fragment;
  fragment.samples = samples;
  fragment.info.sequence = ByteReader(mfhd->subspan(4)).u32();
  const Result<Defaults> defaults = read_tfhd(*tfhd, fragment.info);
  if (!defaults) return Unexpected(defaults.error());
  if (Result<void> read = read_tfdt(*tfdt, fragment.info); !read) return Unexpected(read.error());
  if (Result<void> read = read_trun(*trun, *defaults, fragment); !read) return Unexpected(read.error());
  return fragment;
}

bool may_stand_between_chunks(uint32_t type) {
  constexpr uint32_t kTypes[] = {four_cc("styp"), four_cc("sidx"), four_cc("prft"), four_cc("emsg"),
                                 four_cc("free"), four_cc("skip"), four_cc("uuid")};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

std::string printable(uint32_t type) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const char c = static_cast<char>(type >> shift);
    text += c >= ' ' && c <= '~' ? c : '.';
  }
  return "'" + text + "'";
}

struct Stop {
  WalkEnd end;
  uint64_t at;
  std::string what;
};

struct BoxHead {
  uint64_t size = 0;
  uint32_t type = 0;
};

// `buffer` then holds what was read from `at`: the header, and some of what is behind it.
std::variant<BoxHead, Stop> read_head(const Source& source, uint64_t at, ByteVector& buffer) {
  constexpr uint64_t kReadAhead = 4096;  // mostly a whole moof
  buffer.resize(std::min(kReadAhead, source.size - at));
  const Result<size_t> got = source.read(at, buffer);
  if (!got) return Stop{WalkEnd::damaged, at, got.error().message};
  buffer.resize(*got);
  ByteReader reader(buffer);
  const uint64_t size = reader.u32();
  const uint32_t type = reader.u32();
  if (!reader.ok()) return Stop{WalkEnd::cut_off, at, "the header of a box is cut off"};
  if (size < kBoxHeader) return Stop{WalkEnd::damaged, at, "no box (size " + std::to_string(size) + ")"};
  return BoxHead{size, type};
}

std::variant<ChunkInfo, Stop> read_chunk(const Source& source, uint64_t at, uint64_t moof_size,
                                         ByteVector& buffer) {
  if (moof_size > kMaxMoofBytes)
    return Stop{WalkEnd::damaged, at, "moof of " + std::to_string(moof_size) + " bytes"};
  if (moof_size > source.size - at) return Stop{WalkEnd::cut_off, at, "moof is cut off"};
  if (buffer.size() < moof_size) {
    buffer.resize(moof_size);
    const Result<size_t> got = source.read(at, buffer);
    if (!got) return Stop{WalkEnd::damaged, at, got.error().message};
    if (*got < moof_size) return Stop{WalkEnd::cut_off, at, "moof is cut off"};
  }
  Result<TrackFragment> fragment = read_moof(Bytes(buffer).subspan(kBoxHeader, moof_size - kBoxHeader));
  if (!fragment) return Stop{WalkEnd::damaged, at, "moof: " + fragment.error().message};

  const uint64_t mdat_at = at + moof_size;
  if (mdat_at == source.size) return Stop{WalkEnd::cut_off, mdat_at, "mdat is missing"};
  const std::variant<BoxHead, Stop> head = read_head(source, mdat_at, buffer);
  if (const Stop* stop = std::get_if<Stop>(&head)) return *stop;
  const auto [size, type] = std::get<BoxHead>(head);
  if (type != four_cc("mdat")) return Stop{WalkEnd::damaged, mdat_at, printable(type) + " instead of mdat"};
  if (fragment->data_offset != moof_size + kBoxHeader || fragment->payload != size - kBoxHeader)
    return Stop{WalkEnd::damaged, mdat_at, "mdat is not what the moof says"};
  if (size > source.size - mdat_at) return Stop{WalkEnd::cut_off, mdat_at, "mdat is cut off"};
  fragment->info.offset = at;
  fragment->info.length = moof_size + size;
  return fragment->info;
}

std::variant<ChunkInfo, Stop> find_chunk(const Source& source, uint64_t from, ByteVector& buffer) {
  uint64_t at = from;
  for (uint64_t skipped = 0; skipped <= kMaxBoxesSkipped; ++skipped) {
    if (at == source.size)
      return Stop{at == from ? WalkEnd::complete : WalkEnd::cut_off, at, "boxes without a chunk behind them"};
    if (at > source.size) return Stop{WalkEnd::cut_off, at, "the file ends before"};
    const std::variant<BoxHead, Stop> head = read_head(source, at, buffer);
    if (const Stop* stop = std::get_if<Stop>(&head)) return *stop;
    const auto [size, type] = std::get<BoxHead>(head);
    if (type == four_cc("moof")) return read_chunk(source, at, size, buffer);
    if (!may_stand_between_chunks(type))
      return Stop{WalkEnd::damaged, at, printable(type) + " where a chunk should begin"};
    at += size;
  }
  return Stop{WalkEnd::damaged, at, "more than " + std::to_string(kMaxBoxesSkipped) + " boxes, no chunk"};
}

}  // namespace

std::optional<ChunkInfo> ChunkWalker::next() {
  std::variant<ChunkInfo, Stop> found = find_chunk(source_, position_, buffer_);
  if (const Stop* stop = std::get_if<Stop>(&found)) {
    end_ = stop->end;
    reason_ = end_ == WalkEnd::complete ? "" : "at byte " + std::to_string(stop->at) + ": " + stop->what;
    return std::nullopt;
  }
  const ChunkInfo& info = std::get<ChunkInfo>(found);
  position_ = info.offset + info.length;
  return info;
}

Result<std::vector<SampleInfo>> read_samples(const Source& source, const ChunkInfo& chunk) {
  ByteVector moof(std::min({kMaxMoofBytes, chunk.length, source.size - std::min(chunk.offset, source.size)}));
  const Result<size_t> got = source.read(chunk.offset, moof);
  if (!got) return Unexpected(got.error());
  ByteReader reader(Bytes(moof).first(*got));
  const uint32_t size = reader.u32();
  if (reader.u32() != four_cc("moof") || !reader.ok() || size < kBoxHeader || size > *got)
    return Unexpected("no moof at byte " + std::to_string(chunk.offset));
  std::vector<SampleInfo> samples;
  samples.reserve(chunk.samples);
  const Result<TrackFragment> fragment =
      read_moof(Bytes(moof).subspan(kBoxHeader, size - kBoxHeader), &samples);
  if (!fragment) return Unexpected(fragment.error());
  const uint64_t payload_at = chunk.offset + fragment->data_offset;
  const uint64_t end = chunk.offset + chunk.length;
  if (payload_at > end || fragment->payload > end - payload_at)
    return Unexpected("samples reach beyond the chunk at byte " + std::to_string(chunk.offset));
  for (SampleInfo& sample : samples) sample.offset += payload_at;
  return samples;
}

}  // namespace headgate::fmp4
