// SPDX-License-Identifier: LGPL-2.1-or-later
// Which addresses may connect: a list of networks from a file, asked before anything of a connection is read.
// The text has one rule in each line, and comments from '#' to the line's end:
//
//   allow 192.0.2.0/24     # an address or a network; the bits beyond the prefix are zero
//   deny  2001:db8::/32
//   deny  all              # 0.0.0.0/0 and ::/0
//
// The longest prefix that an address has decides; order means nothing. IPv4 addresses that come through an
// IPv6 socket, and networks under ::ffff:0:0/96, are IPv4.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <base/bytes.h>
#include <base/file_stamp.h>
#include <base/guarded.h>
#include <base/result.h>

namespace headgate::ingest {

// Immutable once made.
class AddressList {
 public:
  static constexpr size_t kMaxFileBytes = 16 * 1024 * 1024;
  static constexpr size_t kMaxLineBytes = 1024;

  // A wrong line spoils the whole list: the error has its number and what is wrong.
  static Result<AddressList> parse(std::string_view text);
  // Networks with commas between them, all of them allowed: for a command line.
  static Result<AddressList> of_networks(std::string_view networks);

  // What the list says of an address; nothing, if no rule has it or it is neither IPv4 nor IPv6.
  std::optional<bool> find(const sockaddr_storage& address) const;
  size_t size() const;  // rules

 private:
  using Prefix = std::array<std::byte, 16>;                                  // of IPv4 the first four
  using Rules = std::map<unsigned, std::map<Prefix, bool>, std::greater<>>;  // by length, the longest first
  enum Family { kIpv4, kIpv6, kFamilies };

  Result<void> add(std::string_view network, bool allowed);
  Result<void> add(Family family, const Prefix& prefix, unsigned length, bool allowed);

  std::array<Rules, kFamilies> rules_;
};

// A list that can be changed while others ask it. Thread-safe, but for the calls that load.
class AddressFilter {
 public:
  // `otherwise`: for addresses that no rule has.
  explicit AddressFilter(bool otherwise) : otherwise_(otherwise) {}

  bool allows(const sockaddr_storage& address) const;
  void replace(AddressList list);

  // Reads the file; reload() will look at it. On an error the list stays what it was.
  Result<void> load(const std::string& path);
  // For the next process: writes the list of load() and reload(), and takes it in place of load()'s file,
  // which is wrong now. A copy of another path's file is none.
  Result<void> keep(const std::string& copy) const;
  Result<void> load_kept(const std::string& copy);

  // Reads the file of load() again if it is not the one that was read last, good or bad, or if `always`.
  // Whether it was; on an error the list stays what it was, and the next call is quiet about it.
  Result<bool> reload(bool always = false);

 private:
  const bool otherwise_;
  mutable Guarded<std::shared_ptr<const AddressList>> list_{std::make_shared<AddressList>()};
  std::string path_;  // empty: none
  ByteVector text_;   // of the last right one
  FileStamp stamp_;
};

}  // namespace headgate::ingest
