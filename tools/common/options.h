// SPDX-License-Identifier: LGPL-2.1-or-later
// Command-line options over GOption: every option is bound to a variable that already holds its default.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <base/result.h>

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

  // What is left after the options, without the program's name. --help prints and ends the program with 0.
  Result<std::vector<std::string>> parse(int argc, char** argv);

 private:
  struct Entry {
    std::string value_name, help;
    bool flag = false;
    std::function<Result<void>(const std::string&)> take;
  };
  friend struct OptionGlue;
  std::string arguments_, summary_, description_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> order_;
};

// An http:// or https:// address with a host, that can be asked.
Result<void> check_http_address(const std::string& url);

}  // namespace headgate::tools
