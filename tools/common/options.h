// SPDX-License-Identifier: LGPL-2.1-or-later
// Command-line options over GOption: every option is bound to a variable that already holds its default.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::tools {

class Options {
 public:
  // `arguments`: what stands after "program [OPTION…]" in --help; `description`: what follows the options.
  Options(std::string arguments, std::string summary, std::string description = "");

  // `name` without dashes. `value_name`: what --help calls the value.
  Options& text(const char* name, std::string& target, const char* value_name, const char* help);
  Options& list(const char* name, std::vector<std::string>& target, const char* value_name, const char* help);
  Options& number(const char* name, int64_t& target, int64_t least, int64_t most, const char* value_name,
                  const char* help);
  Options& flag(const char* name, bool& target, const char* help);
  // Hands each use to `take`; its error is the command line's.
  Options& call(const char* name, std::function<Result<void>(const std::string&)> take,
                const char* value_name, const char* help);

  // --arguments-from FILE: more options of these (no other words), "-" for standard input, each ended by the
  // end of its line or, where the file has such, by a zero byte; at most kMaxArgumentsFrom bytes. Every user
  // of the machine may read a command line: what is a secret comes this way.
  Options& arguments_from();

  // What is left after the options, without the program's name. --help prints and ends the program with 0.
  Result<std::vector<std::string>> parse(int argc, char** argv);

 private:
  Result<std::vector<std::string>> parse_words(const std::vector<std::string>& words);
  struct Entry {
    std::string value_name, help;
    bool flag = false;
    std::function<Result<void>(const std::string&)> take;
  };
  friend struct OptionGlue;
  std::string arguments_, summary_, description_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
  std::string from_;
};

// For the command line of a program of ours whose options `private_options` ("--set=NAME=VALUE") are to be in
// nobody's sight; they are its standard input, which lines_of() and input_with() make.
inline constexpr char kArgumentsFrom[] = "--arguments-from";
inline constexpr char kStandardInput[] = "-";
inline constexpr size_t kMaxArgumentsFrom = 1 << 20;
std::string lines_of(const std::vector<std::string>& private_options);
// Whose file is in memory alone, read from its beginning, and stays as it is: it tells later, too, what a
// process was given.
Result<UniqueFd> input_with(const std::string& lines);

// An http:// or https:// address with a host, that can be asked. The error shows no more of it than
// masked().
Result<void> check_http_address(const std::string& url);

}  // namespace headgate::tools
