// SPDX-License-Identifier: LGPL-2.1-or-later
// ftyp + moov of a fragmented file (ISO/IEC 14496-12, 8.2 to 8.8; ISO/IEC 23000-19, 7.5).
#include <fmp4/packager.h>

#include "box.h"
#include "sample_entry.h"

namespace headgate::fmp4 {
namespace {

constexpr uint32_t kMovieTimescale = 1000;  // of mvhd and tkhd, whose durations are 0 here

void write_ftyp(ByteWriter& out, bool single_track) {
  Box box(out, four_cc("ftyp"));
  out.u32(four_cc("iso6"));
  out.u32(0);
  out.u32(four_cc("iso6"));
  out.u32(four_cc("mp41"));
  // A CMAF track file holds one track (7.2); cmf2 adds trun version 1 without edit lists (7.7).
  if (single_track) {
    out.u32(four_cc("cmfc"));
    out.u32(four_cc("cmf2"));
  }
}

void write_matrix(ByteWriter& out) {
  for (const uint32_t value : {0x00010000u, 0u, 0u, 0u, 0x00010000u, 0u, 0u, 0u, 0x40000000u}) out.u32(value);
}

void write_mvhd(ByteWriter& out) {
  Box box(out, four_cc("mvhd"), 0, 0);
  out.u32(0);  // created, modified: the same media gives the same bytes
  out.u32(0);
  out.u32(kMovieTimescale);
  out.u32(0);           // duration: in the fragments
  out.u32(0x00010000);  // rate
  out.u16(0x0100);      // volume
  out.zeros(10);
  write_matrix(out);
  out.zeros(24);
  out.u32(kAudioTrackId + 1);  // next_track_ID
}

void write_tkhd(ByteWriter& out, uint32_t id, const codec::Track& track) {
  constexpr uint32_t kEnabledInMovie = 3;
  const bool video = track.kind == codec::Kind::video;
  Box box(out, four_cc("tkhd"), 0, kEnabledInMovie);
  out.u32(0);
  out.u32(0);
  out.u32(id);
  out.u32(0);
  out.u32(0);  // duration
  out.zeros(8);
  out.u16(0);                   // layer
  out.u16(0);                   // alternate group
  out.u16(video ? 0 : 0x0100);  // volume
  out.u16(0);
  write_matrix(out);
  out.u32(track.width << 16);
  out.u32(track.height << 16);
}

void write_media_header(ByteWriter& out, const codec::Track& track) {
  constexpr uint16_t kUndetermined = 0x55c4;  // "und", ISO 639-2
  {
    Box box(out, four_cc("mdhd"), 0, 0);
    out.u32(0);
    out.u32(0);
    out.u32(track.timescale);
    out.u32(0);
    out.u16(kUndetermined);
    out.u16(0);
  }
  const bool video = track.kind == codec::Kind::video;
  Box box(out, four_cc("hdlr"), 0, 0);
  out.u32(0);
  out.u32(video ? four_cc("vide") : four_cc("soun"));
  out.zeros(12);
  out.text(video ? "video" : "audio");
  out.u8(0);
}

void write_data_information(ByteWriter& out) {
  constexpr uint32_t kSelfContained = 1;
  Box dinf(out, four_cc("dinf"));
  Box dref(out, four_cc("dref"), 0, 0);
  out.u32(1);
  Box url(out, four_cc("url "), 0, kSelfContained);
}

Result<void> write_sample_table(ByteWriter& out, const codec::Track& track) {
  Box stbl(out, four_cc("stbl"));
  {
    Box stsd(out, four_cc("stsd"), 0, 0);
    out.u32(1);
    if (Result<void> written = write_sample_entry(out, track); !written) return written;
  }
  // No samples here: they are in the fragments.
  for (const uint32_t type : {four_cc("stts"), four_cc("stsc")}) {
    Box box(out, type, 0, 0);
    out.u32(0);
  }
  {
    Box box(out, four_cc("stsz"), 0, 0);
    out.u32(0);
    out.u32(0);
  }
  Box box(out, four_cc("stco"), 0, 0);
  out.u32(0);
  return {};
}

Result<void> write_trak(ByteWriter& out, uint32_t id, const codec::Track& track) {
  Box trak(out, four_cc("trak"));
  write_tkhd(out, id, track);
  Box mdia(out, four_cc("mdia"));
  write_media_header(out, track);
  Box minf(out, four_cc("minf"));
  if (track.kind == codec::Kind::video) {
    Box vmhd(out, four_cc("vmhd"), 0, 1);
    out.zeros(8);
  } else {
    Box smhd(out, four_cc("smhd"), 0, 0);
    out.u32(0);
  }
  write_data_information(out);
  return write_sample_table(out, track);
}

void write_trex(ByteWriter& out, uint32_t id) {
  Box trex(out, four_cc("trex"), 0, 0);
  out.u32(id);
  out.u32(1);  // sample description
  out.u32(0);  // default duration, size, flags: each tfhd says its own
  out.u32(0);
  out.u32(0);
}

Result<void> write_moov(ByteWriter& out, const Presentation& presentation) {
  const auto& [video, audio] = presentation;
  Box moov(out, four_cc("moov"));
  write_mvhd(out);
  if (video)
    if (Result<void> written = write_trak(out, kVideoTrackId, *video); !written) return written;
  if (audio)
    if (Result<void> written = write_trak(out, kAudioTrackId, *audio); !written) return written;
  Box mvex(out, four_cc("mvex"));
  if (video) write_trex(out, kVideoTrackId);
  if (audio) write_trex(out, kAudioTrackId);
  return {};
}

}  // namespace

Result<ByteVector> init_segment(const Presentation& presentation) {
  if (!presentation.video && !presentation.audio) return Unexpected("a presentation without tracks");
  ByteVector bytes;
  ByteWriter out(bytes);
  write_ftyp(out, !presentation.video || !presentation.audio);
  if (Result<void> written = write_moov(out, presentation); !written) return Unexpected(written.error());
  return bytes;
}

}  // namespace headgate::fmp4
