// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include <conformance/fragments.h>

#include "boxes.h"
#include "random_access.h"

namespace headgate::conformance {
namespace {

constexpr uint32_t kNonSync = 0x00010000;  // sample_is_non_sync_sample (14496-12, 8.8.3.1)
constexpr uint32_t kBaseOffset = 0x1, kDescription = 0x2, kDuration = 0x8, kSize = 0x10,
                   kFlags = 0x20;  // tfhd
constexpr uint32_t kRunOffset = 0x1, kFirstFlags = 0x4, kRunDuration = 0x100, kRunSize = 0x200,
                   kRunFlags = 0x400,
                   kRunComposition = 0x800;  // trun
constexpr int64_t kMaxDecodeTime = int64_t{1} << 60;

class SegmentReader {
 public:
  SegmentReader(Bytes bytes, const MediaInit& init, bool cut_off)
      : bytes_(bytes), init_(init), cut_off_(cut_off) {}
  Result<MediaSegment> run();

 private:
  struct Data {  // where a fragment's samples are
    uint64_t begin = 0, end = 0;
    bool of(uint64_t from, uint64_t to) const { return from >= begin && to <= end; }
  };
  Result<void> moof(const Box& box);
  Result<void> traf(Bytes body, uint64_t moof_offset);
  Result<void> trun(Bytes body, uint64_t base, const MediaTrack& track, TrackFragment& fragment);
  void header(Bytes body, MediaTrack& track);
  void place();
  void fault(std::string what) {
    if (out_.faults.size() < kMaxTracks) out_.faults.push_back(std::move(what));
  }

  Bytes bytes_;
  const MediaInit& init_;
  bool cut_off_;
  MediaSegment out_;
  std::vector<Data> mdats_, runs_;
  std::vector<Data> firsts_;  // first sample of each fragment
  struct Sync {               // a sample that is flagged so, of a track whose NAL units are read
    size_t fragment = 0;
    Data data;
  };
  std::vector<Sync> syncs_;
  size_t samples_ = 0;
  uint64_t data_end_ = 0;  // where a run without offset goes on
};

Result<MediaSegment> SegmentReader::run() {
  Boxes boxes(bytes_);
  while (auto box = boxes.next()) {
    if (box->type == fourcc("moof")) {
      if (auto read = moof(*box); !read) return Unexpected(read.error());
    } else if (box->type == fourcc("mdat")) {
      mdats_.push_back({box->offset, box->offset + box->size});
      if (!box->whole && !cut_off_) return Unexpected("the mdat is cut off");
    } else if (!box->whole) {
      return Unexpected("a box is cut off");
    } else if (box->type == fourcc("ftyp") || box->type == fourcc("moov")) {
      out_.has_init = out_.has_init || out_.fragments.empty();
    }
    if (mdats_.size() > kMaxFragments) return Unexpected("there are too many mdat");
  }
  if (boxes.broken()) return Unexpected("something is no box");
  if (out_.fragments.empty()) return Unexpected("there is no moof with samples");
  place();
  return std::move(out_);
}

Result<void> SegmentReader::moof(const Box& box) {
  if (!box.whole) return Unexpected("the moof is cut off");
  data_end_ = box.offset;
  Boxes boxes(box.body);
  while (auto inner = boxes.next()) {
    if (inner->type != fourcc("traf")) continue;
    if (!inner->whole) return Unexpected("a traf does not fit in its moof");
    if (auto read = traf(inner->body, box.offset); !read) return read;
  }
  if (boxes.broken()) return Unexpected("the moof's boxes do not fit in it");
  return {};
}

// The defaults of this fragment, in place of the track's.
void SegmentReader::header(Bytes body, MediaTrack& track) {
  ByteReader reader(body);
  const uint32_t flags = reader.u32() & 0xFFFFFF;
  reader.skip(4);
  if (flags & kBaseOffset) {
    reader.skip(8);
    fault("track " + std::to_string(track.id) +
          ": base-data-offset-present, so that addresses are of the file");
  }
  if (flags & kDescription) reader.skip(4);
  if (flags & kDuration) track.default_duration = reader.u32();
  if (flags & kSize) track.default_size = reader.u32();
  if (flags & kFlags) track.default_flags = reader.u32();
}

Result<void> SegmentReader::traf(Bytes body, uint64_t moof_offset) {
  auto tfhd = find_box(body, fourcc("tfhd"));
  if (!tfhd || tfhd->body.size() < 8) return Unexpected("a traf has no tfhd");
  ByteReader id(tfhd->body.subspan(4));
  TrackFragment fragment;
  fragment.track_id = id.u32();
  const MediaTrack* known = init_.find(fragment.track_id);
  if (!known) {
    out_.unknown_track = fragment.track_id;
    return {};
  }
  MediaTrack track = *known;
  header(tfhd->body, track);
  if (auto tfdt = find_box(body, fourcc("tfdt"))) {
    ByteReader reader(tfdt->body);
    const bool wide = reader.u32() >> 24 == 1;
    const uint64_t time = wide ? reader.u64() : reader.u32();
    if (!reader.ok() || time > static_cast<uint64_t>(kMaxDecodeTime) ||
        time / track.timescale > kMaxMediaSeconds)
      return Unexpected("a tfdt has no sensible time");
    fragment.decode_time = static_cast<int64_t>(time);
  } else {
    fault("track " + std::to_string(track.id) + " has no tfdt");
  }
  const size_t runs = runs_.size();
  Boxes boxes(body);
  while (auto box = boxes.next()) {
    if (box->type != fourcc("trun")) continue;
    if (!box->whole) return Unexpected("a trun does not fit in its traf");
    if (auto read = trun(box->body, moof_offset, track, fragment); !read) return read;
  }
  if (boxes.broken()) return Unexpected("a traf's boxes do not fit in it");
  if (fragment.samples == 0) {
    runs_.resize(runs);
    return {};
  }
  if (out_.fragments.size() == kMaxFragments) return Unexpected("there are too many track fragments");
  out_.fragments.push_back(fragment);
  return {};
}

Result<void> SegmentReader::trun(Bytes body, uint64_t base, const MediaTrack& track,
                                 TrackFragment& fragment) {
  ByteReader reader(body);
  const uint32_t word = reader.u32(), flags = word & 0xFFFFFF;
  const bool is_signed = word >> 24 == 1;
  const uint32_t count = reader.u32();
  uint64_t at = data_end_;
  if (flags & kRunOffset)
    at = base + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(reader.u32())));
  const uint32_t first_flags = flags & kFirstFlags ? reader.u32() : track.default_flags;
  if (count > kMaxSamples - samples_) return Unexpected("there are too many samples");
  samples_ += count;
  const uint64_t begin = at;
  if (begin > bytes_.size()) return Unexpected("a run's data are not in the segment");
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t duration = flags & kRunDuration ? reader.u32() : track.default_duration;
    const uint32_t size = flags & kRunSize ? reader.u32() : track.default_size;
    uint32_t sample_flags = flags & kRunFlags ? reader.u32() : track.default_flags;
    if (i == 0 && flags & kFirstFlags) sample_flags = first_flags;
    const uint32_t offset = flags & kRunComposition ? reader.u32() : 0;
    const int64_t composition = is_signed ? static_cast<int32_t>(offset) : static_cast<int64_t>(offset);
    const int64_t shown = fragment.decode_time + fragment.duration + composition;
    const bool sync = !(sample_flags & kNonSync);
    if (fragment.samples == 0) {
      fragment.earliest = fragment.shown_until = shown;
      fragment.first_is_sync = sync;
      firsts_.push_back({at, at + size});
    }
    fragment.earliest = std::min(fragment.earliest, shown);
    fragment.shown_until = std::max(fragment.shown_until, shown + int64_t{duration});
    if (duration > 0 && (fragment.shortest_sample == 0 || duration < fragment.shortest_sample))
      fragment.shortest_sample = duration;
    fragment.sync_samples += sync ? 1 : 0;
    if (sync && track.nal_length > 0) syncs_.push_back({out_.fragments.size(), {at, at + size}});
    fragment.duration += duration;
    ++fragment.samples;
    fragment.bytes += size;
    at += size;
  }
  if (!reader.ok()) return Unexpected("a trun is cut off");
  runs_.push_back({begin, at});
  data_end_ = at;
  return {};
}

// Every run lies in an mdat; what the samples are that somebody begins with.
void SegmentReader::place() {
  for (const Data& run : runs_) {
    const bool in_one = std::any_of(mdats_.begin(), mdats_.end(), [&](const Data& mdat) {
      return mdat.of(run.begin, cut_off_ ? std::min(run.end, mdat.end) : run.end);
    });
    if (!in_one) fault("samples lie outside of the mdat");
  }
  for (size_t i = 0; i < out_.fragments.size(); ++i) {
    const MediaTrack* track = init_.find(out_.fragments[i].track_id);
    const Data& first = firsts_[i];
    if (!track || track->nal_length == 0 || first.end > bytes_.size()) continue;
    out_.fragments[i].first_is_random_access =
        begins_random_access(*track, bytes_.subspan(first.begin, first.end - first.begin));
  }
  // Runs of a stranger's may name the same bytes again and again.
  uint64_t left = 2 * bytes_.size();
  for (const Sync& sync : syncs_) {
    TrackFragment& fragment = out_.fragments[sync.fragment];
    const MediaTrack* track = init_.find(fragment.track_id);
    if (!track || sync.data.end > bytes_.size()) continue;
    if (sync.data.end - sync.data.begin > left) return;
    left -= sync.data.end - sync.data.begin;
    const Bytes sample = bytes_.subspan(sync.data.begin, sync.data.end - sync.data.begin);
    fragment.untrue_sync_samples += begins_random_access(*track, sample) == false ? 1 : 0;
  }
}

}  // namespace

Result<MediaSegment> read_media_segment(Bytes bytes, const MediaInit& init, bool cut_off) {
  return SegmentReader(bytes, init, cut_off).run();
}

}  // namespace headgate::conformance
