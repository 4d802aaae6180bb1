// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate top: a node's streams on a terminal, as they are now.
#include <base/clock.h>
#include <glib.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>

#include "../commands.h"
#include "instances_table.h"
#include "status_table.h"
#include "table.h"
#include "top_view.h"

namespace headgate::cli {
namespace {

constexpr int kTickMs = 1000;           // ages and the trend go on also when nothing is heard
constexpr int64_t kToldUs = 8'000'000;  // so long what was told stays
constexpr size_t kMaxFilter = 100;      // bytes

class Top {
 public:
  Top(Screen& screen, const std::string& socket) : screen_(screen), source_(socket) {}
  // Until the person or a signal ends it; the signal, or 0.
  int run();

 private:
  enum class Asking { nothing, filter, kick, drain };
  void hear();
  void on_key(int key);
  bool on_move(int key);
  bool on_sort(int key);
  void on_command(int key);
  void on_answer(int key);
  void on_filter(int key);
  void ask(Asking what, const std::string& question);
  void kick();
  void drain();
  void open_details();
  void tell(std::string text);
  std::string footer() const;

  Screen& screen_;
  TopSource source_;
  TopModel model_;
  TopView view_;
  Asking asking_ = Asking::nothing;
  std::string question_, typed_, told_;
  int64_t told_us_ = 0;
  std::optional<StreamRow> asked_of_;  // as it was when the question was put
  bool draining_ = false, quit_ = false;
};

int Top::run() {
  while (!quit_) {
    view_.footer = footer();
    view_.draw(screen_, model_, system_clock().mono_us());
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {screen_.fd(), POLLIN, 0}, {source_.fd(), POLLIN, 0}};
    if (::poll(fds, std::size(fds), kTickMs) < 0) continue;
    if ((fds[1].revents & POLLIN) != 0) {
      const int signal = screen_.take_signal();
      if (signal == SIGINT) return 0;
      if (signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT) return signal;
    }
    if ((fds[2].revents & POLLIN) != 0) hear();
    for (int key = screen_.key(); key != Screen::kNone; key = screen_.key()) on_key(key);
    if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return SIGHUP;
  }
  return 0;
}

void Top::hear() {
  TopSource::News news = source_.news();
  if (news.snapshot) model_.take(std::move(news.snapshot));
  view_.error = std::move(news.error);
  view_.events = std::move(news.events);
  view_.no_events = std::move(news.no_events);
  for (std::string& one : news.told) tell(std::move(one));
}

void Top::tell(std::string text) {
  told_ = std::move(text);
  told_us_ = system_clock().mono_us();
}

std::string Top::footer() const {
  if (asking_ == Asking::filter) return "filter: " + typed_ + "_   (Enter keeps it, Esc drops it)";
  if (asking_ != Asking::nothing) return question_;
  if (!told_.empty() && system_clock().mono_us() - told_us_ < kToldUs) return told_;
  std::string out;
  if (model_.alarms_only()) out += "only alarms (a: all)  ";
  if (!model_.filter().empty()) out += "filter: " + model_.filter() + " (/ Esc: none)  ";
  if (!out.empty()) out += std::to_string(model_.rows().size()) + " streams";
  return out;
}

void Top::on_key(int key) {
  if (asking_ == Asking::filter) return on_filter(key);
  if (asking_ != Asking::nothing) return on_answer(key);
  if (view_.page != TopView::Page::table && (key == Screen::kEscape || key == Screen::kEnter || key == 'q')) {
    if (view_.page == TopView::Page::details) source_.watch_events(-1);
    view_.page = TopView::Page::table;
    return;
  }
  if (!on_move(key) && !on_sort(key)) on_command(key);
}

// Also among details, which are then of another stream.
bool Top::on_move(int key) {
  const auto page = static_cast<int64_t>(std::max<size_t>(TopView::table_height(screen_, model_), 2)) - 1;
  const StreamRow* before = model_.chosen();
  const int64_t station = before ? before->station : -1;
  if (key == Screen::kUp)
    model_.move(-1);
  else if (key == Screen::kDown)
    model_.move(1);
  else if (key == Screen::kPageUp)
    model_.move(-page);
  else if (key == Screen::kPageDown)
    model_.move(page);
  else if (key == Screen::kHome)
    model_.move_to(0);
  else if (key == Screen::kEnd)
    model_.move_to(SIZE_MAX);
  else if (key == 'n' || key == 'N') {
    if (!model_.move_to_alarm(key == 'n' ? 1 : -1)) tell("no stream that is shown has an alarm");
  } else {
    return false;
  }
  const StreamRow* now = model_.chosen();
  if (view_.page == TopView::Page::details && now && now->station != station)
    source_.watch_events(now->station);
  return true;
}

bool Top::on_sort(int key) {
  if (key == '<' || key == Screen::kLeft)
    model_.next_column(-1);
  else if (key == '>' || key == Screen::kRight)
    model_.next_column(1);
  else if (key == 'r')
    model_.reverse();
  else if (key == 'A')
    model_.sort_by(Column::alarm);
  else if (key == 'S')
    model_.sort_by(Column::station);
  else if (key == 'K')
    model_.sort_by(Column::kbps);
  else if (key == 'L')
    model_.sort_by(Column::late);
  else if (key == 'G')
    model_.sort_by(Column::gaps);
  else
    return false;
  return true;
}

void Top::on_command(int key) {
  switch (key) {
    case 'q':
      quit_ = true;
      break;
    case '?':
    case 'h':
      view_.page = TopView::Page::help;
      break;
    case 'p':
      if (view_.page == TopView::Page::details) source_.watch_events(-1);
      view_.page = TopView::Page::pipelines;
      break;
    case '/':
      asking_ = Asking::filter;
      typed_ = model_.filter();
      break;
    case Screen::kEscape:
      model_.filter_by("");
      if (model_.alarms_only()) model_.toggle_alarms_only();
      break;
    case 'a':
      model_.toggle_alarms_only();
      break;
    case ' ':
      source_.look_now();
      break;
    case Screen::kEnter:
      open_details();
      break;
    case 'k':
      kick();
      break;
    case 'd':
      drain();
      break;
    default:
      break;
  }
}

void Top::on_filter(int key) {
  if (key == Screen::kEnter || key == Screen::kEscape) {
    asking_ = Asking::nothing;
    if (key == Screen::kEscape) model_.filter_by("");
    return;
  }
  if (key == Screen::kBackspace) {
    // The last letter, with all of its bytes.
    while (!typed_.empty() && (static_cast<unsigned char>(typed_.back()) & 0xc0) == 0x80) typed_.pop_back();
    if (!typed_.empty()) typed_.pop_back();
  } else if (key >= ' ' && key < Screen::kUp && typed_.size() < kMaxFilter) {
    char letter[6];
    typed_.append(letter, static_cast<size_t>(g_unichar_to_utf8(static_cast<gunichar>(key), letter)));
  } else {
    on_move(key);
  }
  model_.filter_by(typed_);
}

void Top::ask(Asking what, const std::string& question) {
  asking_ = what;
  question_ = question + "  (y: yes, any other key: no)";
}

void Top::kick() {
  const StreamRow* row = model_.chosen();
  if (!row || row->session.empty()) return tell("this stream has no session that could be ended");
  asked_of_ = *row;
  ask(Asking::kick, "End the session of station " + std::to_string(row->station) + " (" + row->peer + ")?");
}

void Top::drain() {
  if (!model_.snapshot()) return;
  draining_ = model_.snapshot()->facts.draining;
  ask(Asking::drain, draining_ ? "Take new publishers again?" : "Take no new publishers on this node?");
}

void Top::on_answer(int key) {
  const Asking what = std::exchange(asking_, Asking::nothing);
  if (key != 'y' && key != 'Y') return tell("nothing was done");
  if (what == Asking::kick)
    source_.order({"POST", "/api/v1/sessions/" + asked_of_->session + "/kick", "",
                   "the session of station " + std::to_string(asked_of_->station) + " is ended"});
  else if (draining_)
    source_.order({"DELETE", "/api/v1/drain", "", "the node takes publishers again"});
  else
    source_.order({"POST", "/api/v1/drain", "", "the node takes no new publishers"});
  tell("told the node");
}

void Top::open_details() {
  const StreamRow* row = model_.chosen();
  if (!row) return;
  view_.page = TopView::Page::details;
  source_.watch_events(row->station);
}

int print_once(const char* program, const std::string& socket, bool json) {
  auto snapshot = NodeLook(socket).take();
  if (!snapshot) return complain(1, program, snapshot.error().message);
  if (json) {
    std::puts((*snapshot)->json.json().c_str());
    return 0;
  }
  // One look knows no processor's use.
  for (const std::string& line : header_lines(**snapshot))
    if (!line.starts_with("cpu ")) std::puts(line.c_str());
  std::fputs(instances_table((*snapshot)->json, (*snapshot)->utc_us).c_str(), stdout);
  std::fputs(streams_table((*snapshot)->rows).c_str(), stdout);
  return 0;
}

}  // namespace

int run_top(int argc, char** argv) {
  NodePlace place;
  bool once = false, json = false, ascii = false;
  tools::Options options(
      "", "Shows a node's streams on the terminal, as they are now; ? lists the keys.",
      "Into a pipe or a file it prints them once. NO_COLOR in the environment: no colours.\n\n"
      "Examples:\n"
      "  headgate top                    n: next alarm, Enter: what happened, k: end its session\n"
      "  headgate top --once | head      for a mail\n\n"
      "Exit code 1: no node answers (while it is shown, it is waited for).");
  place.add_to(options);
  options.flag("once", once, "print the table once, as into a pipe")
      .flag("json", json, "print NODE once (docs/api.md)")
      .flag("ascii", ascii, "no letters beyond ASCII, whatever the locale says");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  if (once || json || !::isatty(STDOUT_FILENO) || !::isatty(STDIN_FILENO))
    return print_once(argv[0], place.socket(), json);
  // A node that is not there is told here, and not on a screen that hides what stood on it.
  if (auto there = NodeClient(place.socket()).get("/api/v1/node"); !there)
    return complain(1, argv[0], there.error().message);
  auto screen = Screen::open(ascii);
  if (!screen) return complain(1, argv[0], screen.error().message);
  const auto top = std::make_unique<Top>(**screen, place.socket());
  const int signal = top->run();
  screen->reset();
  // By its own default action, so that whoever waits sees what ended it.
  if (signal != 0) {
    std::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  return 0;
}

}  // namespace headgate::cli
