// SPDX-License-Identifier: LGPL-2.1-or-later
// From what a run holds to what its listeners are told. Writer and reader both go through here, so that an
// archive read again tells what was told live.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <base/sha256.h>
#include <fmp4/packager.h>
#include <playlist/record.h>

#include "records.h"

namespace headgate::store {

inline constexpr size_t kInitIdDigits = 16;

FileLine describe_file(uint32_t file, const fmp4::Presentation& presentation, Bytes init);

class RecordMaker {
 public:
  // `prefix`: the run's directory relative to the archive's root.
  explicit RecordMaker(std::string prefix) : prefix_(std::move(prefix)) {}
  playlist::RunRecord run(const OpenLine& line);
  playlist::InitRecord init(const FileLine& line);
  // `msn`, `dseq`: of its segment, which comes behind its parts.
  playlist::PartRecord part(uint32_t file, uint64_t msn, uint64_t dseq, uint32_t index,
                            const PartInfo& part) const;
  playlist::SegmentRecord segment(const FragLine& line);
  static playlist::GapRecord gap(const GapLine& line);

  const std::string& init_id() const { return init_id_; }

 private:
  std::string path(uint32_t file) const;
  bool is_discontinuous(uint64_t dseq) const { return last_dseq_ && *last_dseq_ != dseq; }
  std::string prefix_, init_id_;
  std::optional<uint64_t> last_dseq_;
};

// Length, times and count of `line` from its parts, which are contiguous; at least one.
void sum_parts(FragLine& line);

}  // namespace headgate::store
