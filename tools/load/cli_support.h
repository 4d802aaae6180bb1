// SPDX-License-Identifier: LGPL-2.1-or-later
// What the load's commands have in common.
#pragma once

#include <string>

#include <base/result.h>
#include <common/options.h>
#include <load/station.h>

namespace headgate::load {

// An option that takes a decimal fraction.
void real(tools::Options& options, const char* name, double& target, double least, double most,
          const char* value_name, const char* help);

struct Url {
  std::string scheme, host, port, path;  // port may be empty; path begins with '/' or is empty
  std::string authority() const;         // "host:port" as it stood
};
Result<Url> parse_url(const std::string& text);

// Looks the name up, once.
Result<Address> resolve(const std::string& host, const std::string& port);
// "ADDRESS" or "FIRST-LAST" (IPv4): local addresses, taken in turn.
Result<std::vector<Address>> parse_local_addresses(const std::string& text);
// "7" or "1-400,500": numbers of stations, ascending, each once.
Result<std::vector<uint32_t>> parse_numbers(const std::string& text);

// Takes as many descriptors as this process may have. Error: fewer than `needed`.
Result<void> allow_descriptors(size_t needed);
// To the file, or to standard output for "-".
Result<void> write_result(const std::string& path, const std::string& json);
// Prints to standard error and returns `code`.
int complain(int code, const char* command, const std::string& message);

}  // namespace headgate::load
