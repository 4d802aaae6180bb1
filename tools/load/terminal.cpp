// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/terminal.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace headgate::load {

LiveBlock::LiveBlock() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void LiveBlock::show(const std::vector<std::string>& rows, const std::string& line) {
  if (!terminal_) {
    if (calls_++ % kLineSeconds == 0) std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  std::string out;
  if (drawn_ > 0) out = "\x1b[" + std::to_string(drawn_) + "A";
  for (const std::string& row : rows) out += "\x1b[2K" + row + "\n";
  drawn_ = rows.size();
  std::fputs(out.c_str(), stderr);
  std::fflush(stderr);
}

std::string short_number(double value) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  std::array<char, 32> text;
  bool whole = *unit == 0 && value == std::floor(value);
  int digits = value >= 100 || whole ? 0 : value >= 10 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f%s", digits, value, unit);
  return text.data();
}

}  // namespace headgate::load
