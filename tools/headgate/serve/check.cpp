// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace headgate::serve {
namespace {

constexpr std::string_view kMore = "...";

// Of a text longer than that: so many bytes, or fewer, that no letter of UTF-8 is cut.
size_t whole_letters(std::string_view text, size_t bytes) {
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return bytes;
}

}  // namespace

void SaidLines::add(const std::string& line) {
  if (full_) return;
  if (std::exchange(any_, true)) text_ += '\n';
  // There is always room for a line that says that there were more.
  constexpr size_t kReserved = 1 + kMore.size();
  const size_t room = max_bytes_ - std::min(max_bytes_, text_.size() + kReserved);
  full_ = text_.size() + kReserved + line.size() > max_bytes_;
  text_ += full_ ? line.substr(0, whole_letters(line, room)) : line;
  if (full_) text_ += kMore;
}

std::string CheckEnd::reason(const std::string& who) const {
  if (code != kTookTooLong && !said.empty()) return said;
  return said + (said.empty() ? "" : "\n") + who + " " + how();
}

void run_check(Tasks& tasks, Program program, int64_t limit_ms, std::function<void(const CheckEnd&)> done,
               size_t max_said_bytes) {
  auto said = std::make_shared<SaidLines>(max_said_bytes);
  tasks.run(
      std::move(program),
      [said, limit_ms, done = std::move(done)](int code) {
        done({code, limit_ms, said->text()});
      },
      [said](const std::string& line) { said->add(line); }, limit_ms);
}

}  // namespace headgate::serve
