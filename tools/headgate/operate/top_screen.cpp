// SPDX-License-Identifier: LGPL-2.1-or-later
#include "top_screen.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "table.h"

// Last: capabilities are macros, and `columns` is one. Without NCURSES_NOMACROS `clear` and `move` are, too.
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#undef columns  // a capability of <term.h>

namespace headgate::cli {
namespace {

constexpr int kEscapeMs = 25;  // that the rest of a key's sequence may take
constexpr int kHandled[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
// Synchronized output (DEC private mode 2026): terminals that know it show the picture whole, others ignore
// it.
constexpr char kBeginPicture[] = "\033[?2026h", kEndPicture[] = "\033[?2026l";

// What a fault's handler needs: no function of curses may be called in one.
termios before_us;
char restoring[256];
size_t restoring_length = 0;
sigset_t mask_before;

extern "C" void restore_and_die(int signal) {
  [[maybe_unused]] ssize_t written = ::write(STDOUT_FILENO, restoring, restoring_length);
  ::tcsetattr(STDOUT_FILENO, TCSANOW, &before_us);
  ::raise(signal);  // its handler was for once
}

// What the terminal does it by; null: it cannot.
const char* capability(const char* name) {
  const char* text = ::tigetstr(name);
  return text == reinterpret_cast<const char*>(-1) ? nullptr : text;
}

void remember(const char* text) {
  const size_t length = text ? std::strlen(text) : 0;
  if (restoring_length + length > sizeof restoring) return;
  if (length > 0) std::memcpy(restoring + restoring_length, text, length);
  restoring_length += length;
}

void send_now(const char* text) {
  std::fputs(text, stdout);
  std::fflush(stdout);
}

sigset_t handled_set() {
  sigset_t set;
  sigemptyset(&set);
  for (int one : kHandled) sigaddset(&set, one);
  return set;
}

}  // namespace

Result<std::unique_ptr<Screen>> Screen::open(bool ascii) {
  const char* terminal = std::getenv("TERM");
  if (!terminal || !*terminal) return Unexpected("TERM is not set: `headgate top --once` prints a table");
  std::unique_ptr<Screen> screen(new Screen(!ascii && std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0));
  ::tcgetattr(STDOUT_FILENO, &before_us);
  int known = 0;
  if (::setupterm(nullptr, STDOUT_FILENO, &known) != OK || !capability("cup"))
    return Unexpected(std::string("this terminal (TERM=") + terminal +
                      ") is not known or cannot move its cursor: `headgate top --once` prints a table");
  const sigset_t set = handled_set();
  ::pthread_sigmask(SIG_BLOCK, &set, &mask_before);
  screen->signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!::newterm(nullptr, stdout, stdin)) {
    ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
    screen.release();  // there is nothing to restore
    return Unexpected("the terminal cannot be used: `headgate top --once` prints a table");
  }
  restoring_length = 0;
  remember(kEndPicture);
  for (const char* name : {"sgr0", "cnorm", "rmkx", "rmcup"}) remember(capability(name));
  struct sigaction fault {};
  fault.sa_handler = restore_and_die;
  fault.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (int one : kFaults) ::sigaction(one, &fault, nullptr);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(kEscapeMs);
  ::curs_set(0);
  screen->start_colours();
  return screen;
}

Screen::~Screen() {
  ::endwin();
  for (int one : kFaults) std::signal(one, SIG_DFL);
  // What came meanwhile and was not taken is done with now.
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
}

// NO_COLOR (no-color.org): bold and reverse say the same.
void Screen::start_colours() {
  const char* none = std::getenv("NO_COLOR");
  if ((none && *none) || !::has_colors() || ::start_color() == ERR || ::use_default_colors() == ERR) return;
  ::init_pair(1, COLOR_GREEN, -1);
  ::init_pair(2, COLOR_YELLOW, -1);
  ::init_pair(3, COLOR_RED, -1);
  ::init_pair(4, COLOR_CYAN, -1);
  colours_ = true;
}

unsigned long Screen::look_of(Style style) const {
  auto colour = [this](int pair) { return colours_ ? static_cast<unsigned long>(COLOR_PAIR(pair)) : 0UL; };
  switch (style) {
    case Style::normal:
      return A_NORMAL;
    case Style::dim:
      return A_DIM;
    case Style::title:
      return A_BOLD | colour(4);
    case Style::bar:
      return A_REVERSE;
    case Style::good:
      return colour(1);
    case Style::warning:
      return colours_ ? colour(2) : static_cast<unsigned long>(A_BOLD);
    case Style::error:
      break;
  }
  return A_BOLD | colour(3);
}

size_t Screen::rows() const {
  return static_cast<size_t>(std::max(::getmaxy(stdscr), 1));
}

size_t Screen::columns() const {
  return static_cast<size_t>(std::max(::getmaxx(stdscr), 1));
}

void Screen::clear() {
  ::werase(stdscr);
}

void Screen::put(size_t row, size_t column, std::string_view text, Style style, bool reverse) {
  if (row >= rows() || column >= columns()) return;
  std::string shown(text);
  if (!utf8_)
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  const size_t room = columns() - column;
  if (width_of(shown) > room) shown = fitted(shown, room);
  ::wattrset(stdscr, static_cast<int>(look_of(style) | (reverse ? A_REVERSE : A_NORMAL)));
  ::wmove(stdscr, static_cast<int>(row), static_cast<int>(column));
  ::waddnstr(stdscr, shown.c_str(), static_cast<int>(shown.size()));
  ::wattrset(stdscr, A_NORMAL);
}

void Screen::show() {
  ::wnoutrefresh(stdscr);
  send_now(kBeginPicture);
  ::doupdate();
  send_now(kEndPicture);
}

int Screen::key() {
  wint_t letter = 0;
  const int kind = ::wget_wch(stdscr, &letter);
  if (kind == ERR) return kNone;
  if (kind != KEY_CODE_YES) {
    if (letter == '\r' || letter == '\n') return kEnter;
    if (letter == 27) return kEscape;
    if (letter == 8 || letter == 127) return kBackspace;
    return static_cast<int>(letter);
  }
  constexpr struct {
    wint_t code;
    Key key;
  } kKeys[] = {{KEY_UP, kUp},        {KEY_DOWN, kDown},
               {KEY_PPAGE, kPageUp}, {KEY_NPAGE, kPageDown},
               {KEY_HOME, kHome},    {KEY_END, kEnd},
               {KEY_LEFT, kLeft},    {KEY_RIGHT, kRight},
               {KEY_ENTER, kEnter},  {KEY_BACKSPACE, kBackspace}};
  for (const auto& one : kKeys)
    if (one.code == letter) return one.key;
  return key();  // one that means nothing here
}

int Screen::take_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH) resize();
  if (signal == SIGTSTP) stop();
  if (signal == SIGCONT) ::clearok(curscr, TRUE);  // who else has been on the terminal meanwhile?
  return signal;
}

void Screen::resize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    ::resizeterm(size.ws_row, size.ws_col);
}

void Screen::stop() {
  ::endwin();
  ::raise(SIGSTOP);
  resize();
  ::clearok(curscr, TRUE);
}

}  // namespace headgate::cli
