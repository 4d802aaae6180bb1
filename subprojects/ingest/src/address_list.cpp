// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <base/bytes.h>
#include <base/io.h>
#include <ingest/address_list.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace headgate::ingest {
namespace {

constexpr unsigned kIpv4Bits = 32, kIpv6Bits = 128;
constexpr unsigned kMappedBits = 96;  // of ::ffff:0:0/96
constexpr std::string_view kAll = "all";
constexpr char kKeptFront[] = "# of ";
constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view text) {
  size_t front = text.find_first_not_of(kSpace);
  if (front == text.npos) return {};
  return text.substr(front, text.find_last_not_of(kSpace) - front + 1);
}

// With every bit from `length` on set to zero.
std::array<std::byte, 16> masked(std::array<std::byte, 16> bits, unsigned length) {
  for (unsigned i = 0; i < bits.size(); ++i) {
    unsigned first = 8 * i;
    if (first >= length)
      bits[i] = std::byte{0};
    else if (length - first < 8)
      bits[i] &= std::byte(0xff << (8 - (length - first)));
  }
  return bits;
}

std::array<std::byte, 16> bits_of(Bytes address) {
  std::array<std::byte, 16> out{};
  std::copy(address.begin(), address.end(), out.begin());
  return out;
}

}  // namespace

Result<void> AddressList::add(Family family, const Prefix& prefix, unsigned length, bool allowed) {
  if (masked(prefix, length) != prefix)
    return Unexpected("the address has bits beyond its first " + std::to_string(length));
  auto [rule, fresh] = rules_[family][length].emplace(prefix, allowed);
  if (!fresh && rule->second != allowed) return Unexpected("the same network is allowed and denied");
  return {};
}

Result<void> AddressList::add(std::string_view network, bool allowed) {
  if (network == kAll) {
    if (auto added = add(kIpv4, {}, 0, allowed); !added) return added;
    return add(kIpv6, {}, 0, allowed);
  }
  const std::string quoted = "'" + std::string(network) + "'";
  const size_t slash = network.find('/');
  const std::string address(network.substr(0, slash));
  in6_addr v6{};
  in_addr v4{};
  const bool is_v4 = ::inet_pton(AF_INET, address.c_str(), &v4) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, address.c_str(), &v6) != 1)
    return Unexpected(quoted + " is not an address or a network such as 192.0.2.0/24");
  const unsigned most = is_v4 ? kIpv4Bits : kIpv6Bits;
  unsigned length = most;
  if (slash != network.npos) {
    std::string_view digits = network.substr(slash + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc() || end != digits.data() + digits.size() || length > most)
      return Unexpected(quoted + ": the prefix is not a number from 0 to " + std::to_string(most));
  }
  if (is_v4) return add(kIpv4, bits_of(std::as_bytes(std::span(&v4, 1))), length, allowed);
  const Bytes bytes = std::as_bytes(std::span(&v6, 1));
  if (IN6_IS_ADDR_V4MAPPED(&v6) && length >= kMappedBits)
    return add(kIpv4, bits_of(bytes.subspan(kMappedBits / 8)), length - kMappedBits, allowed);
  return add(kIpv6, bits_of(bytes), length, allowed);
}

Result<AddressList> AddressList::parse(std::string_view text) {
  AddressList out;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto wrong = [number](const std::string& why) {
      return Unexpected("line " + std::to_string(number) + ": " + why);
    };
    if (line.size() > kMaxLineBytes) return wrong("longer than " + std::to_string(kMaxLineBytes) + " bytes");
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const size_t space = std::min(line.find_first_of(kSpace), line.size());
    const std::string_view verdict = line.substr(0, space), network = trimmed(line.substr(space));
    if (verdict != "allow" && verdict != "deny") return wrong("does not begin with 'allow' or 'deny'");
    if (auto added = out.add(network, verdict == "allow"); !added) return wrong(added.error().message);
  }
  return out;
}

Result<AddressList> AddressList::of_networks(std::string_view networks) {
  AddressList out;
  for (;;) {
    const size_t comma = std::min(networks.find(','), networks.size());
    if (auto added = out.add(trimmed(networks.substr(0, comma)), true); !added)
      return Unexpected(added.error());
    if (comma == networks.size()) return out;
    networks.remove_prefix(comma + 1);
  }
}

std::optional<bool> AddressList::find(const sockaddr_storage& address) const {
  Family family = kIpv4;
  Prefix bits{};
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    bits = bits_of(std::as_bytes(std::span(&in.sin_addr, 1)));
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    const Bytes bytes = std::as_bytes(std::span(&in6.sin6_addr, 1));
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    family = mapped ? kIpv4 : kIpv6;
    bits = bits_of(mapped ? bytes.subspan(kMappedBits / 8) : bytes);
  } else {
    return std::nullopt;
  }
  for (const auto& [length, verdicts] : rules_[family])
    if (auto found = verdicts.find(masked(bits, length)); found != verdicts.end()) return found->second;
  return std::nullopt;
}

size_t AddressList::size() const {
  size_t out = 0;
  for (const Rules& rules : rules_)
    for (const auto& [length, verdicts] : rules) out += verdicts.size();
  return out;
}

bool AddressFilter::allows(const sockaddr_storage& address) const {
  const std::shared_ptr<const AddressList> list = *list_.lock();
  return list->find(address).value_or(otherwise_);
}

void AddressFilter::replace(AddressList list) {
  auto fresh = std::make_shared<const AddressList>(std::move(list));
  list_.lock()->swap(fresh);  // the old one is freed behind the lock
}

Result<void> AddressFilter::load(const std::string& path) {
  path_ = path;
  if (auto read = reload(true); !read) return Unexpected(read.error());
  return {};
}

Result<bool> AddressFilter::reload(bool always) {
  if (path_.empty()) return false;
  const FileStamp stamp = stamp_of(path_);  // before reading: what comes after it is seen the next time
  if (!always && stamp == stamp_) return false;
  stamp_ = stamp;
  auto text = read_file(path_, AddressList::kMaxFileBytes);
  if (!text) return Unexpected(text.error());
  auto list = AddressList::parse(as_text(*text));
  if (!list) return Unexpected(path_ + ": " + list.error().message);
  replace(*std::move(list));
  text_ = *std::move(text);
  return true;
}

Result<void> AddressFilter::keep(const std::string& copy) const {
  const std::string head = kKeptFront + path_ + "\n";
  ByteVector out(as_bytes(head).begin(), as_bytes(head).end());
  out.insert(out.end(), text_.begin(), text_.end());
  return replace_file(copy, out);
}

Result<void> AddressFilter::load_kept(const std::string& copy) {
  const std::string head = kKeptFront + path_ + "\n";
  auto kept = read_file(copy, AddressList::kMaxFileBytes + head.size());
  if (!kept) return Unexpected(kept.error());
  std::string_view text = as_text(*kept);
  if (!text.starts_with(head)) return Unexpected(copy + ": not a copy of " + path_);
  auto list = AddressList::parse(text.substr(head.size()));
  if (!list) return Unexpected(copy + ": " + list.error().message);
  replace(*std::move(list));
  return {};
}

}  // namespace headgate::ingest
