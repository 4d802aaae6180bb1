// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate logs: what the programs of a node wrote, from the journal or from a file.
#include <base/clock.h>
#include <common/operator_text.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include <base/io.h>
#include <base/unique_fd.h>

#include "../commands.h"
#include "../time_argument.h"
#include "log_record.h"
#include "node_client.h"
#include "node_log.h"

namespace headgate::cli {
namespace {

constexpr const char* kPrograms[] = {"headgate",        "headgate-gate",    "headgate-worker",
                                     "headgate-origin", "headgate-control", "headgate-pipeline"};
constexpr unsigned kLookAgainMs = 250;
constexpr size_t kMaxLine = 1 << 20;
constexpr int kNoProgram = 127;  // of whoever could not start it, as the shell has it
constexpr const char* kByHand = "a node that was started by hand logs to its standard error: --file FILE";

struct LogArguments {
  LogWish wish;
  std::string file, journal_folder;
  int64_t last = 0;
  bool follow = false, json = false;
};

class Printer {
 public:
  explicit Printer(const LogArguments& arguments) : arguments_(arguments) {}
  // False: standard output takes no more.
  bool print(const LogRecord& record) {
    if (!arguments_.wish.takes(record)) return true;
    any_ = true;
    const std::string text = arguments_.json ? record.json() : record.line();
    return std::puts(text.c_str()) >= 0 && std::fflush(stdout) == 0;
  }
  bool any() const { return any_; }

 private:
  const LogArguments& arguments_;
  bool any_ = false;
};

// Whole lines out of pieces.
class Lines {
 public:
  using Take = std::function<bool(std::string_view line)>;
  // False: `take` wants no more.
  bool feed(std::string_view piece, const Take& take) {
    for (size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      line_ += piece.substr(0, end);
      const bool more = line_.size() > kMaxLine || take(line_);
      line_.clear();
      if (!more) return false;
      piece.remove_prefix(end + 1);
    }
    if (line_.size() <= kMaxLine) line_ += piece;
    return true;
  }
  void forget() { line_.clear(); }

 private:
  std::string line_;
};

// --- the journal ---

std::vector<std::string> journalctl_words(const LogArguments& arguments) {
  std::vector<std::string> words = {"journalctl", "--output=json", "--no-pager", "--quiet", "--all"};
  if (!arguments.journal_folder.empty()) words.push_back("--directory=" + arguments.journal_folder);
  if (arguments.wish.since_utc_us != INT64_MIN)
    words.push_back("--since=@" + std::to_string(arguments.wish.since_utc_us / 1'000'000));
  words.push_back("--priority=" + std::to_string(static_cast<int>(arguments.wish.least)));
  if (arguments.last > 0)
    words.push_back("--lines=" + std::to_string(arguments.last));
  else if (arguments.follow)
    words.emplace_back("--lines=all");
  if (arguments.follow) words.emplace_back("--follow");
  for (const char* program : kPrograms) words.push_back(std::string("SYSLOG_IDENTIFIER=") + program);
  for (const auto& [name, value] :
       {std::pair("STATION", &arguments.wish.station), std::pair("SESSION", &arguments.wish.session),
        std::pair("WORKER", &arguments.wish.worker)})
    if (!value->empty()) words.push_back(std::string("HEADGATE_") + name + "=" + *value);
  return words;
}

// Runs it with its standard output in a pipe, which the descriptor reads.
Result<UniqueFd> start_journalctl(const LogArguments& arguments, pid_t& pid) {
  std::vector<std::string> words = journalctl_words(arguments);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  pid = ::fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) {
    ::dup2(write_end.get(), STDOUT_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(kNoProgram);
  }
  return read_end;
}

int journal_failure(const char* program, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoProgram)
    return complain(1, program, std::string("there is no journalctl here; ") + kByHand);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  return complain(
      1, program,
      std::string("journalctl could not read the journal (the groups adm and systemd-journal may); ") +
          kByHand);
}

// Files of a journal, in the folder or in one for each machine below it. What cannot be looked at may have
// some: journalctl tells of rights.
bool may_hold_a_journal(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error), end;
  if (error) return error != std::errc::no_such_file_or_directory;
  for (; at != end; at.increment(error)) {
    if (at.depth() == 1) at.disable_recursion_pending();
    const std::string suffix = at->path().extension().string();
    if (suffix == ".journal" || suffix == ".journal~") return true;
    if (error) return true;
  }
  return error.operator bool();
}

// Empty: there is a journal, as far as one can see.
std::string without_journal(const LogArguments& arguments) {
  const std::string& folder = arguments.journal_folder;
  if (!folder.empty()) return may_hold_a_journal(folder) ? "" : folder + " holds no journal";
  const bool any = may_hold_a_journal("/run/log/journal") || may_hold_a_journal("/var/log/journal");
  return any ? "" : "this machine keeps no journal";
}

int read_journal(const char* program, const LogArguments& arguments) {
  if (const std::string none = without_journal(arguments); !none.empty())
    return complain(1, program, none + "; " + kByHand);
  pid_t pid = -1;
  auto pipe = start_journalctl(arguments, pid);
  if (!pipe) return complain(1, program, pipe.error().message);
  Printer printer(arguments);
  Lines lines;
  bool wanted = true;
  char piece[64 * 1024];
  while (wanted) {
    const ssize_t size = ::read(pipe->get(), piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    wanted = lines.feed({piece, static_cast<size_t>(size)}, [&](std::string_view line) {
      const auto record = log_record_of_journal(Json::object_of(line));
      return !record || printer.print(*record);
    });
  }
  *pipe = UniqueFd();  // a journalctl that still writes ends by it
  if (!wanted) ::kill(pid, SIGTERM);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = wanted ? journal_failure(program, status) : 0;
  if (code == 0 && !printer.any())
    complain(0, program, std::string("the journal has nothing of that; ") + kByHand);
  return code;
}

// --- a file ---

// The file has been moved away or cut: what it is called now is another.
bool is_another(int fd, off_t at, const std::string& path) {
  struct stat open {
  }, named{};
  if (::fstat(fd, &open) != 0 || ::stat(path.c_str(), &named) != 0) return false;
  return open.st_ino != named.st_ino || open.st_dev != named.st_dev || named.st_size < at;
}

int read_log_file(const char* program, const LogArguments& arguments) {
  const bool standard_input = arguments.file == "-";
  auto fd = standard_input ? Result<UniqueFd>(UniqueFd(::dup(STDIN_FILENO)))
                           : open_file(arguments.file, O_RDONLY | O_CLOEXEC);
  if (!fd) return complain(1, program, fd.error().message);
  Printer printer(arguments);
  Lines lines;
  std::vector<LogRecord> kept;  // with --last, until the end has been seen
  off_t at = 0;
  bool following = false;
  char piece[64 * 1024];
  auto take = [&](std::string_view line) {
    auto record = log_record_of_line(line);
    if (!record) return true;
    if (following || arguments.last == 0) return printer.print(*record);
    if (arguments.wish.takes(*record)) kept.push_back(*std::move(record));
    if (kept.size() > 2 * static_cast<size_t>(arguments.last))
      kept.erase(kept.begin(), kept.end() - arguments.last);
    return true;
  };
  for (;;) {
    const ssize_t size = ::read(fd->get(), piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return complain(1, program, arguments.file + ": " + std::strerror(errno));
    if (size > 0) {
      at += size;
      if (!lines.feed({piece, static_cast<size_t>(size)}, take)) return 0;
      continue;
    }
    if (!std::exchange(following, true))
      for (size_t i = kept.size() - std::min(kept.size(), static_cast<size_t>(arguments.last));
           i < kept.size(); ++i)
        if (!printer.print(kept[i])) return 0;
    if (!arguments.follow || standard_input) return 0;
    if (is_another(fd->get(), at, arguments.file)) {
      if (auto again = open_file(arguments.file, O_RDONLY | O_CLOEXEC)) {
        *fd = *std::move(again);
        at = 0;
        lines.forget();
        continue;
      }
    }
    ::usleep(kLookAgainMs * 1000);
  }
}

}  // namespace

int run_logs(int argc, char** argv) {
  LogArguments arguments;
  NodePlace place;
  int64_t station = -1, worker = -1;
  std::string session, since, level = "info";
  tools::Options options(
      "", "Prints what the programs of a node logged, of a stream, a session, a worker or all.",
      "Examples:\n"
      "  headgate logs --station 421 --since -2h      the story of a station\n"
      "  headgate logs --follow --level warning       what goes wrong, as it does\n"
      "  headgate logs --data data --worker 3         of a node that was started by hand with 2>node.log\n\n"
      "The journal is read by journalctl(1), with the rights that this takes (the group adm). What\n"
      "libraries wrote besides is in `journalctl -u headgate`. With --data or --runtime-dir what a node\n"
      "that runs there logs to is read, a file or the journal.\n\n"
      "Exit code 1: there is no journal, or no such file. Without a journal a node's log is its standard\n"
      "error: start it with 2>node.log.");
  place.add_to(options);
  options.number("station", station, 0, UINT32_MAX, "N", "only of this station")
      .text("session", session, "ID", "only of this session (`headgate sessions`)")
      .number("worker", worker, 0, UINT32_MAX, "N", "only of this worker")
      .text("level", level, "LEVEL",
            "debug, info, notice, warning or error, and what is worse (default: info)")
      .text("since", since, "TIME", "2026-09-14T06:00:00Z, Unix seconds, -15m, -2h, -1d (default: all)")
      .number("last", arguments.last, 1, 10'000'000, "N", "only the last N lines, then what follows")
      .flag("follow", arguments.follow, "go on with what comes, until Ctrl-C")
      .text("file", arguments.file, "FILE", "read this instead of the journal; '-': standard input")
      .text("directory", arguments.journal_folder, "DIR",
            "read the journal in this folder (journalctl --directory)")
      .flag("json", arguments.json, "print one JSON object for each line");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  if (!arguments.file.empty() + !arguments.journal_folder.empty() + place.given() > 1)
    return complain(2, argv[0], "--file, --directory, and --data or --runtime-dir are places each: give one");
  const auto least = log_level_of(level);
  if (!least)
    return complain(2, argv[0], "--level takes debug, info, notice, warning or error, not '" + level + "'");
  arguments.wish.least = *least;
  if (!since.empty()) {
    auto time = parse_time(since, system_clock().utc_seconds());
    if (!time) return complain(2, argv[0], "--since: " + time.error().message);
    arguments.wish.since_utc_us = *time * 1'000'000;
  }
  if (station >= 0) arguments.wish.station = std::to_string(station);
  if (!session.empty() && !tools::session_of_text(session))
    return complain(2, argv[0], "'" + session + "' is not a session's id: `headgate sessions` lists them");
  arguments.wish.session = session;
  if (worker >= 0) arguments.wish.worker = std::to_string(worker);
  if (place.given()) {
    auto file = log_of_node(place.socket());
    if (!file) return complain(1, argv[0], file.error().message);
    arguments.file = *std::move(file);
  }
  return arguments.file.empty() ? read_journal(argv[0], arguments) : read_log_file(argv[0], arguments);
}

}  // namespace headgate::cli
