// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <charconv>
#include <cstdio>
#include <deque>
#include <memory>

namespace headgate::cli {

struct Options::Slots {
  struct Text {
    char* raw = nullptr;
    std::optional<std::string> value;
  };
  struct List {
    char** raw = nullptr;
    std::vector<std::string> value;
  };
  struct Flag {
    gboolean raw = FALSE;
    bool value = false;
  };
  GOptionContext* context = nullptr;
  std::deque<Text> texts;  // deques: their elements stay where they are
  std::deque<List> lists;
  std::deque<Flag> flags;

  void add(const char* name, GOptionArg kind, void* where, const char* help, const char* value_name) {
    const GOptionEntry entries[] = {{name, 0, 0, kind, where, help, value_name}, {}};
    g_option_context_add_main_entries(context, entries, nullptr);
  }
};

Options::Options(const char* usage) : slots_(new Slots) {
  slots_->context = g_option_context_new(usage);
}

Options::~Options() {
  for (auto& text : slots_->texts) g_free(text.raw);
  for (auto& list : slots_->lists) g_strfreev(list.raw);
  g_option_context_free(slots_->context);
  delete slots_;
}

const std::optional<std::string>& Options::text(const char* name, const char* value_name, const char* help) {
  auto& slot = slots_->texts.emplace_back();
  slots_->add(name, G_OPTION_ARG_FILENAME, &slot.raw, help, value_name);
  return slot.value;
}

const std::vector<std::string>& Options::list(const char* name, const char* value_name, const char* help) {
  auto& slot = slots_->lists.emplace_back();
  slots_->add(name, G_OPTION_ARG_FILENAME_ARRAY, &slot.raw, help, value_name);
  return slot.value;
}

const bool& Options::flag(const char* name, const char* help) {
  auto& slot = slots_->flags.emplace_back();
  slots_->add(name, G_OPTION_ARG_NONE, &slot.raw, help, nullptr);
  return slot.value;
}

void Options::epilogue(const char* text) {
  g_option_context_set_description(slots_->context, text);
}

Result<std::vector<std::string>> Options::parse(int argc, char** argv, int operand_count) {
  GError* raw_error = nullptr;
  if (!g_option_context_parse(slots_->context, &argc, &argv, &raw_error)) {
    std::unique_ptr<GError, decltype(&g_error_free)> error(raw_error, g_error_free);
    return Unexpected(error->message);
  }
  for (auto& slot : slots_->texts)
    if (slot.raw) slot.value = slot.raw;
  for (auto& slot : slots_->lists)
    for (char** item = slot.raw; item && *item; ++item) slot.value.emplace_back(*item);
  for (auto& slot : slots_->flags) slot.value = slot.raw != FALSE;

  std::vector<std::string> operands(argv + 1, argv + argc);
  if (!operands.empty() && operands.front() == "--") operands.erase(operands.begin());
  if (static_cast<int>(operands.size()) > operand_count)
    return Unexpected("unexpected argument '" + operands[static_cast<size_t>(operand_count)] + "'");
  if (static_cast<int>(operands.size()) < operand_count) return Unexpected("an argument is missing");
  return operands;
}

Result<uint64_t> parse_number(const std::string& text, const char* what, uint64_t most) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || value > most)
    return Unexpected(std::string(what) + " must be a number from 0 to " + std::to_string(most) + ", not '" +
                      text + "'");
  return value;
}

int fail(const char* program, const std::string& message, int code) {
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return code;
}

int fail_usage(const char* program, const std::string& message) {
  return fail(program, message + "\n'" + program + " --help' tells more", 2);
}

}  // namespace headgate::cli
