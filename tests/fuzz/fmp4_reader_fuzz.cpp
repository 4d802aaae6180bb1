// SPDX-License-Identifier: LGPL-2.1-or-later
// A file as recovery finds it after a crash: any bytes.
#include <cstdint>
#include <cstdlib>

#include <fmp4/reader.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void walk(const fmp4::Source& source, uint64_t from) {
  fmp4::ChunkWalker walker(source, from);
  uint64_t end = from;
  while (const std::optional<fmp4::ChunkInfo> chunk = walker.next()) {
    require(chunk->offset >= end && chunk->length > 0);
    end = chunk->offset + chunk->length;
    require(end <= source.size && walker.position() == end);
    require(chunk->samples > 0);
    (void)fmp4::to_part_ticks(chunk->earliest_pts, 1);
    const Result<std::vector<fmp4::SampleInfo>> samples = fmp4::read_samples(source, *chunk);
    require(samples && samples->size() == chunk->samples);
    for (const fmp4::SampleInfo& sample : *samples)
      require(sample.offset >= chunk->offset && sample.offset + sample.size <= end);
  }
  require((walker.end() == fmp4::WalkEnd::complete) == walker.reason().empty());
  require(walker.position() == end);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fmp4::Source source = fmp4::source_of(std::as_bytes(std::span(data, size)));
  const Result<fmp4::InitInfo> init = fmp4::read_init(source);
  if (init) {
    require(init->length <= size);
    // What is understood can be written, and is understood the same again.
    const Result<ByteVector> again = fmp4::init_segment(init->presentation);
    require(again.has_value());
    const Result<fmp4::InitInfo> back = fmp4::read_init(fmp4::source_of(*again));
    require(back && back->presentation == init->presentation);
    walk(source, init->length);
  }
  walk(source, 0);
  return 0;
}
