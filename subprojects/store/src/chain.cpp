// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chain.h"

#include <base/encoding.h>

#include "records.h"

namespace headgate::store {

Digest chain_anchor(const std::string& run) {
  std::string text = "LTA1 run";
  text += '\0';
  text += run;
  return sha256(as_bytes(text));
}

ChainWriter::ChainWriter(const std::string& run, bool chained)
    : chained_(chained), previous_(chain_anchor(run)) {}

ChainWriter::ChainWriter(const std::string& run, bool chained, uint64_t lines, std::string_view last)
    : ChainWriter(run, chained) {
  next_ = lines;
  if (lines > 0) previous_ = sha256(as_bytes(last));
}

std::string ChainWriter::line(std::string_view type, std::string_view members) {
  std::string text =
      members_of([&](JsonLine& json) { json.field("v", 1).field("n", next_).field("t", type); });
  text.insert(0, 1, '{');
  if (!members.empty()) text.append(",").append(members);
  if (chained_) text.append(",\"p\":\"").append(to_hex(previous_)).append("\"");
  text += '}';
  if (chained_) previous_ = sha256(as_bytes(text));
  ++next_;
  text += '\n';
  return text;
}

namespace {

// `expected`: what the first line's `p` must be; empty: not known.
ChainText read_lines(std::string_view text, uint64_t first, std::string expected) {
  ChainText chain;
  // Quotes inside a value are escaped: this is a field.
  const bool chained = text.find(",\"p\":\"") != text.npos;
  chain.chained = chained || text.empty();
  // From here on `expected` is empty where the line before was damaged.
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == text.npos) {
      chain.torn = text.substr(at);
      break;
    }
    ChainLine line{text.substr(at, end - at)};
    at = end + 1;
    auto head = parse_line_head(line.text);
    if (!head || head->n != first + chain.lines.size() || (chained && head->p.empty())) {
      line.state = LineState::damaged;
      expected.clear();
    } else if (chained) {
      // The successor tells what its predecessor was: when they disagree it is the predecessor that changed.
      if (!expected.empty() && head->p != expected && !chain.lines.empty())
        chain.lines.back().state = LineState::damaged;
      if (!expected.empty() && head->p != expected && chain.lines.empty()) line.state = LineState::damaged;
      expected = to_hex(sha256(as_bytes(line.text)));
    }
    chain.lines.push_back(line);
  }
  return chain;
}

}  // namespace

ChainText read_chain(std::string_view text, const std::string& run) {
  return read_lines(text, 0, to_hex(chain_anchor(run)));
}

ChainText read_chain_from(std::string_view text) {
  auto head = parse_line_head(text.substr(0, text.find('\n')));
  return read_lines(text, head ? head->n : 0, {});
}

}  // namespace headgate::store
