// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <fcntl.h>
#include <load/cli_support.h>
#include <netdb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <set>

#include <base/io.h>

namespace headgate::load {
namespace {

constexpr uint32_t kMaxNumbers = 100'000;  // stations of one load
constexpr uint32_t kMaxLocalAddresses = 65'536;
constexpr size_t kSpareDescriptors = 64;

Result<uint32_t> parse_number(std::string_view text) {
  uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return Unexpected("'" + std::string(text) + "' is not a number");
  return number;
}

Result<uint32_t> parse_ipv4(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1)
    return Unexpected("'" + text + "' is not an IPv4 address");
  return ntohl(address.s_addr);
}

}  // namespace

void real(tools::Options& options, const char* name, double& target, double least, double most,
          const char* value_name, const char* help) {
  options.call(
      name,
      [&target, least, most](const std::string& value) -> Result<void> {
        double number = 0;
        auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || end != value.data() + value.size() ||
            !(number >= least && number <= most))
          return Unexpected("'" + value + "' is not a number from " + std::to_string(least) + " to " +
                            std::to_string(most));
        target = number;
        return {};
      },
      value_name, help);
}

std::string Url::authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port.empty() ? out : out + ":" + port;
}

Result<Url> parse_url(const std::string& text) {
  Url url;
  size_t scheme_end = text.find("://");
  if (scheme_end == std::string::npos) return Unexpected("'" + text + "' is not a URL");
  url.scheme = text.substr(0, scheme_end);
  size_t authority = scheme_end + 3;
  size_t path = text.find_first_of("/?", authority);
  std::string host_port = text.substr(authority, path == std::string::npos ? path : path - authority);
  if (path != std::string::npos) url.path = text.substr(path);
  if (host_port.find('@') != std::string::npos)
    return Unexpected("'" + text + "': no user and password here, stations have their tickets");
  size_t colon = host_port.rfind(':');
  if (host_port.starts_with('[')) {
    size_t close = host_port.find(']');
    if (close == std::string::npos) return Unexpected("'" + text + "' is not a URL");
    url.host = host_port.substr(1, close - 1);
    if (colon != std::string::npos && colon > close) url.port = host_port.substr(colon + 1);
  } else {
    url.host = host_port.substr(0, colon);
    if (colon != std::string::npos) url.port = host_port.substr(colon + 1);
  }
  if (url.host.empty()) return Unexpected("'" + text + "' names no host");
  return url;
}

Result<Address> resolve(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    return Unexpected(host + ":" + port + ": " + ::gai_strerror(error));
  Address out;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return out;
}

Result<std::vector<Address>> parse_local_addresses(const std::string& text) {
  size_t dash = text.find('-');
  auto first = parse_ipv4(text.substr(0, dash));
  auto last = dash == std::string::npos ? first : parse_ipv4(text.substr(dash + 1));
  if (!first) return Unexpected(first.error());
  if (!last) return Unexpected(last.error());
  if (*last < *first || *last - *first >= kMaxLocalAddresses)
    return Unexpected("'" + text + "' is not a range of at most " + std::to_string(kMaxLocalAddresses) +
                      " addresses");
  std::vector<Address> out;
  for (uint32_t address = *first; address <= *last; ++address) {
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(address);
    Address entry;
    std::memcpy(&entry.storage, &local, sizeof local);
    entry.size = sizeof local;
    out.push_back(entry);
  }
  return out;
}

Result<std::vector<uint32_t>> parse_numbers(const std::string& text) {
  std::set<uint32_t> numbers;
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string_view range = std::string_view(text).substr(at, comma - at);
    at = comma + 1;
    size_t dash = range.find('-');
    auto first = parse_number(range.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
    if (!first) return Unexpected(first.error());
    if (!last) return Unexpected(last.error());
    if (*last < *first || *last - *first >= kMaxNumbers)
      return Unexpected("'" + std::string(range) + "' is not a range of at most " +
                        std::to_string(kMaxNumbers));
    for (uint64_t number = *first; number <= *last; ++number) numbers.insert(static_cast<uint32_t>(number));
  }
  return std::vector<uint32_t>(numbers.begin(), numbers.end());
}

Result<void> allow_descriptors(size_t needed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed + kSpareDescriptors) return {};
  return Unexpected("this process may open " + std::to_string(limit.rlim_cur) + " files and needs " +
                    std::to_string(needed + kSpareDescriptors) + ": raise the hard limit (ulimit -Hn)");
}

Result<void> write_result(const std::string& path, const std::string& json) {
  if (path.empty()) return {};
  std::string line = json + "\n";
  if (path == "-") return write_all(STDOUT_FILENO, as_bytes(line));
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (!file) return Unexpected(file.error());
  return write_all(file->get(), as_bytes(line));
}

int complain(int code, const char* command, const std::string& message) {
  std::fprintf(stderr, "headgate load %s: %s\n", command, message.c_str());
  return code;
}

}  // namespace headgate::load
