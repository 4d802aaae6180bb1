// SPDX-License-Identifier: LGPL-2.1-or-later
#include "record_maker.h"

#include <algorithm>

#include <base/encoding.h>

#include "layout.h"

namespace headgate::store {
FileLine describe_file(uint32_t file, const fmp4::Presentation& presentation, Bytes init) {
  FileLine line;
  line.file = file;
  line.init_sha = to_hex(sha256(init));
  line.length = init.size();
  if (presentation.video) {
    line.codecs = codec::codecs_string(*presentation.video);
    line.width = presentation.video->width;
    line.height = presentation.video->height;
    line.frame_rate_milli = presentation.video->frame_rate_milli;
    const uint32_t transfer = presentation.video->colour.transfer;
    if (playlist::is_hdr(transfer)) line.transfer = transfer;
    line.video_config_sha = to_hex(sha256(presentation.video->config));
  }
  if (presentation.audio) {
    if (!line.codecs.empty()) line.codecs += ',';
    line.codecs += codec::codecs_string(*presentation.audio);
    line.channels = presentation.audio->channels;
    line.audio_config_sha = to_hex(sha256(presentation.audio->config));
  }
  return line;
}

std::string RecordMaker::path(uint32_t file) const {
  return prefix_ + "/" + file_stem(file) + ".mp4";
}

playlist::RunRecord RecordMaker::run(const OpenLine& line) {
  if (line.dseq > 0) last_dseq_ = line.dseq - 1;
  return {line.run,         line.msn,          line.dseq, line.utc_us, line.max_segment_ms,
          line.max_part_ms, line.filled_utc_us};
}

playlist::InitRecord RecordMaker::init(const FileLine& line) {
  init_id_ = line.init_sha.substr(0, kInitIdDigits);
  return {init_id_,
          path(line.file),
          0,
          line.length,
          line.codecs,
          line.width,
          line.height,
          line.frame_rate_milli,
          line.channels,
          playlist::is_hdr(line.transfer) ? line.transfer : 0};
}

playlist::PartRecord RecordMaker::part(uint32_t file, uint64_t msn, uint64_t dseq, uint32_t index,
                                       const PartInfo& part) const {
  return {msn,      index,         path(file),  part.offset,      part.length,           part.chunks,
          part.pts, part.duration, part.utc_us, part.independent, is_discontinuous(dseq)};
}

playlist::SegmentRecord RecordMaker::segment(const FragLine& line) {
  playlist::SegmentRecord record;
  record.msn = line.msn;
  record.file = path(line.file);
  record.offset = line.offset;
  record.length = line.length;
  record.pts = line.pts;
  record.duration = line.duration;
  record.utc_us = line.utc_us;
  record.init_id = init_id_;
  record.discontinuity = is_discontinuous(line.dseq);
  record.independent = line.parts.front().independent;
  last_dseq_ = line.dseq;
  return record;
}

playlist::GapRecord RecordMaker::gap(const GapLine& line) {
  return {line.reason, line.from_pts, line.to_pts, line.from_utc_us, line.to_utc_us};
}

void sum_parts(FragLine& line) {
  const PartInfo& first = line.parts.front();
  const PartInfo& last = line.parts.back();
  line.offset = first.offset;
  line.length = last.offset + last.length - first.offset;
  line.pts = first.pts;
  // Reordered frames make a part's earliest PTS waver against its DTS by up to the reordering delay, so the
  // sum of the parts is the segment's time; the span is longer only where the segment has a hole.
  int64_t sum = 0;
  for (const PartInfo& part : line.parts) sum += part.duration;
  line.duration = std::max(sum, last.pts + last.duration - first.pts);
  line.utc_us = first.utc_us;
}

}  // namespace headgate::store
