// SPDX-License-Identifier: LGPL-2.1-or-later
// The hash chain of run.jl (docs/archive.md, records): one JSON object per line; the last field `p` is the
// SHA-256 of the line before it, without its newline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <base/json_line.h>
#include <base/sha256.h>

namespace headgate::store {

inline constexpr size_t kMaxLineBytes = 64 * 1024;
inline constexpr size_t kMaxChainBytes = 512u << 20;

// What `fill` puts into a JsonLine, without the braces around it.
template <typename Fill>
std::string members_of(Fill fill) {
  JsonLine json;
  fill(json);
  std::string text = json.take();
  return text.substr(1, text.size() - 2);
}

// Makes lines. Not thread-safe.
class ChainWriter {
 public:
  // `chained` false: lines without `p` (volumes that are not evidence).
  ChainWriter(const std::string& run, bool chained);
  // Goes on behind `lines` lines of which `last` is the last one's text.
  ChainWriter(const std::string& run, bool chained, uint64_t lines, std::string_view last);
  // The next line, with its newline. `members`: the record's own, as members_of() gives them.
  std::string line(std::string_view type, std::string_view members);

 private:
  bool chained_;
  uint64_t next_ = 0;
  Digest previous_;
};

Digest chain_anchor(const std::string& run);  // `p` of line 0

enum class LineState : uint8_t {
  sound,
  damaged,  // no JSON object, not the n-th line, or not what the next line's `p` says it was
};
struct ChainLine {
  std::string_view text;  // without newline
  LineState state = LineState::sound;
};
// Lines of a run.jl's bytes, which must outlive the result. A damaged line does not spoil its successors: the
// chain is taken up again at the next line's own `p`.
struct ChainText {
  std::vector<ChainLine> lines;
  std::string_view torn;  // bytes behind the last newline
  // Lines have `p`; taken to be so when there is no line at all: the stricter is right for both.
  bool chained = true;
};
ChainText read_chain(std::string_view text, const std::string& run);
// Likewise from a line on that is not the run's first, and whose number is taken as it is.
ChainText read_chain_from(std::string_view text);

}  // namespace headgate::store
