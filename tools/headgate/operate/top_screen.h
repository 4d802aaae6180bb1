// SPDX-License-Identifier: LGPL-2.1-or-later
// A terminal that `headgate top` has to itself, by ncurses: it remembers what is on it and sends what
// changed. However the program ends, the terminal is as it was: signals that end it come through fd(), and
// those of a fault restore it in their handler.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::cli {

enum class Style { normal, dim, title, bar, good, warning, error };

class Screen {
 public:
  // Keys beyond the letters that they are.
  enum Key : int {
    kNone = -1,
    kUp = 0x110000,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kLeft,
    kRight,
    kEnter,
    kEscape,
    kBackspace
  };

  // `ascii`: nothing else, even where the locale has more. The error says why this terminal will not do.
  static Result<std::unique_ptr<Screen>> open(bool ascii);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  size_t rows() const;
  size_t columns() const;
  bool utf8() const { return utf8_; }

  void clear();
  // Printable text from a place on; what does not fit is cut.
  void put(size_t row, size_t column, std::string_view text, Style style = Style::normal,
           bool reverse = false);
  // Sends what changed since the last time, as one picture.
  void show();

  int key();  // without waiting
  // Readable when a signal came.
  int fd() const { return signals_.get(); }
  // What it was: handled here (size, stop and go on: draw again), or one that ends the program.
  int take_signal();

 private:
  explicit Screen(bool utf8) : utf8_(utf8) {}
  void start_colours();
  void resize();
  void stop();
  unsigned long look_of(Style style) const;

  bool utf8_, colours_ = false;
  UniqueFd signals_;
};

}  // namespace headgate::cli
