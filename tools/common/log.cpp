// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/journal.h>
#include <common/log.h>
#include <glib.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <vector>

#include <base/guarded.h>

namespace headgate::tools {
namespace {

constexpr char kDomain[] = "headgate";
constexpr size_t kMaxLine = PIPE_BUF;  // so that a writable pipe takes it whole

std::string program_name = "headgate";
std::atomic<bool> debug_lines{false};
bool to_journal = false;
Guarded<Journal>& journal() {
  static auto& one = *new Guarded<Journal>;  // other threads log while statics end
  return one;
}
std::vector<Field> always;

const char* level_name(GLogLevelFlags level) {
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) return "error";
  if (level & G_LOG_LEVEL_WARNING) return "warning";
  if (level & G_LOG_LEVEL_MESSAGE) return "notice";
  if (level & G_LOG_LEVEL_INFO) return "info";
  return "debug";
}

std::string_view text_of(const GLogField& field) {
  auto* text = static_cast<const char*>(field.value);
  return field.length < 0 ? std::string_view(text)
                          : std::string_view(text, static_cast<size_t>(field.length));
}

bool has_domain(const GLogField* fields, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (std::strcmp(fields[i].key, "GLIB_DOMAIN") == 0) return text_of(fields[i]) == kDomain;
  return false;
}

// Publishers' texts appear in fields: no control character of theirs reaches a terminal.
void append_printable(std::string& line, std::string_view text) {
  for (char c : text) {
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    line += control ? ' ' : c;
  }
}

// In quotes where it would not end by itself, so that no text of a publisher's looks like another field.
void append_value(std::string& line, std::string_view text) {
  const bool bare = !text.empty() && text.find_first_of(" \"\\=\t\r\n") == std::string_view::npos;
  if (bare) return append_printable(line, text);
  line += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') line += '\\';
    append_printable(line, std::string_view(&c, 1));
  }
  line += '"';
}

std::string readable_line(GLogLevelFlags level, const GLogField* fields, size_t count) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char stamp[48];
  size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(stamp + length, sizeof stamp - length, ".%03ldZ", now.tv_nsec / 1'000'000);
  std::string line = stamp;
  line += ' ' + program_name + '[' + std::to_string(getpid()) + "] " + level_name(level) + ": ";
  const bool ours = has_domain(fields, count);
  std::string tail;
  for (size_t i = 0; i < count; ++i) {
    std::string_view name = fields[i].key;
    if (name == "MESSAGE") {
      append_printable(line, text_of(fields[i]));
    } else if (ours && name != "GLIB_DOMAIN" && name != "PRIORITY" && name != "MESSAGE_ID") {
      tail += ' ';
      for (char c : name) tail += static_cast<char>(g_ascii_tolower(c));
      tail += '=';
      append_value(tail, text_of(fields[i]));
    }
  }
  line += tail;
  if (line.size() >= kMaxLine) line.resize(kMaxLine - 1);
  line += '\n';
  return line;
}

// Fields of ours are in a name space of their own; a library's are what GLib calls them.
bool send_to_journal(const GLogField* fields, size_t count, bool ours) {
  JournalRecord record;
  record.add("SYSLOG_IDENTIFIER", program_name);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = fields[i].key;
    const bool common =
        name == "MESSAGE" || name == "PRIORITY" || name == "MESSAGE_ID" || name == "GLIB_DOMAIN";
    record.add(ours && !common ? "HEADGATE_" + std::string(name) : std::string(name), text_of(fields[i]));
  }
  return journal().lock()->send(record);
}

GLogWriterOutput write_record(GLogLevelFlags level, const GLogField* fields, gsize count, gpointer) {
  bool quiet = (level & G_LOG_LEVEL_DEBUG) != 0 && !debug_lines;
  const bool ours = has_domain(fields, count);
  if (quiet || (!ours && (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)) != 0)) return G_LOG_WRITER_HANDLED;
  if (to_journal && send_to_journal(fields, count, ours)) return G_LOG_WRITER_HANDLED;
  std::string line = readable_line(level, fields, count);
  pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  return G_LOG_WRITER_HANDLED;
}

GLogLevelFlags glib_level(Level level) {
  switch (level) {
    case Level::debug:
      return G_LOG_LEVEL_DEBUG;
    case Level::info:
      return G_LOG_LEVEL_INFO;
    case Level::notice:
      return G_LOG_LEVEL_MESSAGE;
    case Level::warning:
      return G_LOG_LEVEL_WARNING;
    case Level::error:
      break;
  }
  return G_LOG_LEVEL_CRITICAL;  // G_LOG_LEVEL_ERROR would abort
}

const char* journal_priority(Level level) {
  static constexpr const char* kPriorities[] = {"7", "6", "5", "4", "3"};  // syslog's
  return kPriorities[static_cast<size_t>(level)];
}

}  // namespace

void start_log(const char* program) {
  program_name = program;
  to_journal = is_journal_stream(STDERR_FILENO, g_getenv("JOURNAL_STREAM"));
  const char* debug = g_getenv("HEADGATE_DEBUG");
  debug_lines = debug && std::strcmp(debug, "0") != 0 && *debug != 0;
  std::signal(SIGPIPE, SIG_IGN);
  g_log_set_writer_func(write_record, nullptr, nullptr);
}

void log_always(std::initializer_list<Field> fields) {
  always = fields;
}

void log_debug_lines(bool on) {
  debug_lines = on;
}

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
  auto field = [](const char* key, std::string_view value) {
    return GLogField{key, value.data(), static_cast<gssize>(value.size())};
  };
  std::vector<GLogField> all;
  all.reserve(fields.size() + always.size() + 3);
  all.push_back(field("GLIB_DOMAIN", kDomain));
  all.push_back(field("MESSAGE", message));
  all.push_back(field("PRIORITY", journal_priority(level)));
  for (const Field& one : fields)
    if (!one.value.empty()) all.push_back(field(one.name, one.value));
  for (const Field& one : always)
    if (std::none_of(fields.begin(), fields.end(),
                     [&](const Field& own) { return std::strcmp(own.name, one.name) == 0; }))
      all.push_back(field(one.name, one.value));
  g_log_structured_array(glib_level(level), all.data(), all.size());
}

}  // namespace headgate::tools
