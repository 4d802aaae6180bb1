// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/options.h>

#include <base/io.h>
#include <base/masked.h>
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

namespace headgate::tools {

struct OptionGlue {
  static gboolean take(const gchar* option, const gchar* value, gpointer data, GError** error) {
    auto& self = *static_cast<Options*>(data);
    std::string name = option;
    name.erase(0, name.find_first_not_of('-'));
    auto taken = self.entries_.at(name).take(value ? value : "");
    if (taken) return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: %s", option,
                taken.error().message.c_str());
    return FALSE;
  }

  static std::vector<GOptionEntry> entries(const Options& options) {
    std::vector<GOptionEntry> out;
    for (const std::string& name : options.order_) {
      const Options::Entry& entry = options.entries_.at(name);
      GOptionEntry glib{};
      glib.long_name = name.c_str();
      // Not converted from the locale: a name in UTF-8 is one in the C locale too.
      glib.flags = entry.flag ? G_OPTION_FLAG_NO_ARG : G_OPTION_FLAG_FILENAME;
      glib.arg = G_OPTION_ARG_CALLBACK;
      glib.arg_data = reinterpret_cast<gpointer>(&OptionGlue::take);
      glib.description = entry.help.c_str();
      glib.arg_description = entry.flag ? nullptr : entry.value_name.c_str();
      out.push_back(glib);
    }
    out.push_back(GOptionEntry{});
    return out;
  }
};

Options::Options(std::string arguments, std::string summary, std::string description)
    : arguments_(std::move(arguments)), summary_(std::move(summary)), description_(std::move(description)) {}

Options& Options::call(const char* name, std::function<Result<void>(const std::string&)> take,
                       const char* value_name, const char* help) {
  entries_[name] = {value_name, help, false, std::move(take)};
  order_.emplace_back(name);
  return *this;
}

Options& Options::text(const char* name, std::string& target, const char* value_name, const char* help) {
  return call(
      name,
      [&target](const std::string& value) -> Result<void> {
        target = value;
        return {};
      },
      value_name, help);
}

Options& Options::list(const char* name, std::vector<std::string>& target, const char* value_name,
                       const char* help) {
  return call(
      name,
      [&target](const std::string& value) -> Result<void> {
        target.push_back(value);
        return {};
      },
      value_name, help);
}

Options& Options::number(const char* name, int64_t& target, int64_t least, int64_t most,
                         const char* value_name, const char* help) {
  return call(
      name,
      [&target, least, most](const std::string& value) -> Result<void> {
        int64_t number = 0;
        auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || end != value.data() + value.size() || number < least || number > most)
          return Unexpected("'" + value + "' is not a number from " + std::to_string(least) + " to " +
                            std::to_string(most));
        target = number;
        return {};
      },
      value_name, help);
}

Options& Options::flag(const char* name, bool& target, const char* help) {
  call(
      name,
      [&target](const std::string&) -> Result<void> {
        target = true;
        return {};
      },
      "", help);
  entries_[name].flag = true;
  return *this;
}

Options& Options::arguments_from() {
  return text(kArgumentsFrom + 2, from_, "FILE",
              "more options are read there, a line each; -: on standard input. Others see a command line");
}

Result<std::vector<std::string>> Options::parse(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  auto rest = parse_words(words);
  if (!rest || from_.empty()) return rest;
  const std::string front = kArgumentsFrom + (" " + from_) + ": ";
  auto content = read_file(from_ == kStandardInput ? "/dev/stdin" : from_, kMaxArgumentsFrom);
  if (!content) return Unexpected(front + content.error().message);
  const std::string text(as_text(*content));
  const char end = text.find('\0') == std::string::npos ? '\n' : '\0';
  std::vector<std::string> more{words.empty() ? "" : words.front()};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line, end);)
    if (!line.empty()) more.push_back(line);
  from_.clear();
  auto left = parse_words(more);
  if (!left) return Unexpected(front + left.error().message);
  if (!left->empty() || !from_.empty()) return Unexpected(front + "there is more than options in it");
  return rest;
}

std::string lines_of(const std::vector<std::string>& private_options) {
  std::string out;
  for (const std::string& one : private_options) out += one + '\0';
  return out;
}

Result<UniqueFd> input_with(const std::string& lines) {
  UniqueFd out(::memfd_create("options", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!out) return errno_error("memfd_create");
  if (auto written = write_all(out.get(), as_bytes(lines)); !written) return Unexpected(written.error());
  if (::lseek(out.get(), 0, SEEK_SET) != 0) return errno_error("lseek");
  if (::fcntl(out.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return errno_error("seal the options");
  return out;
}

Result<std::vector<std::string>> Options::parse_words(const std::vector<std::string>& words) {
  std::vector<GOptionEntry> entries = OptionGlue::entries(*this);
  GOptionContext* context = g_option_context_new(arguments_.c_str());
  GOptionGroup* group = g_option_group_new("main", "", "", this, nullptr);
  g_option_group_add_entries(group, entries.data());
  g_option_context_set_main_group(context, group);
  g_option_context_set_summary(context, summary_.c_str());
  if (!description_.empty()) g_option_context_set_description(context, description_.c_str());

  std::vector<gchar*> arguments;
  for (const std::string& word : words) arguments.push_back(g_strdup(word.c_str()));
  arguments.push_back(nullptr);
  gchar** strv = static_cast<gchar**>(g_memdup2(arguments.data(), arguments.size() * sizeof(gchar*)));
  GError* error = nullptr;
  gboolean good = g_option_context_parse_strv(context, &strv, &error);
  g_option_context_free(context);

  std::vector<std::string> rest;
  for (gchar** word = strv; good && *word; ++word)
    if (word != strv) rest.emplace_back(*word);
  g_strfreev(strv);
  if (good) return rest;
  std::string message = error->message;
  g_error_free(error);
  return Unexpected(message + " (--help lists the options)");
}

Result<void> check_http_address(const std::string& url) {
  // As libsoup reads it, which has no message for one that is wrong.
  constexpr auto kFlags =
      static_cast<GUriFlags>(G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY |
                             G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_SCHEME_NORMALIZE);
  GUri* uri = g_uri_parse(url.c_str(), kFlags, nullptr);
  std::string problem;  // GLib's would quote what may be a part of the password
  if (!uri) {
    problem = "scheme, host or port cannot be read";
  } else {
    const std::string scheme = g_uri_get_scheme(uri);
    const char* host = g_uri_get_host(uri);
    if (scheme != "http" && scheme != "https")
      problem = "it begins with neither http:// nor https://";
    else if (!host || !*host)
      problem = "it names no host";
    g_uri_unref(uri);
  }
  if (problem.empty()) return {};
  const bool address = url.find("://") != url.npos;
  return Unexpected((address ? "'" + masked(url) + "'" : "it") + " is no address of HTTP: " + problem);
}

}  // namespace headgate::tools
