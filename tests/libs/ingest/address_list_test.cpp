// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ingest/address_list.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ingest_support.h"
#include "socket_address.h"

namespace headgate::ingest::test {
namespace {

std::string verdict(const AddressList& list, const std::string& address) {
  auto found = list.find(socket_address(address));
  return !found ? "nothing" : *found ? "allow" : "deny";
}

std::string error_of(std::string_view text) {
  auto list = AddressList::parse(text);
  return list ? "" : list.error().message;
}

TEST(AddressList, TheLongestPrefixDecides) {
  auto list = AddressList::parse(
      "# an event's networks\n"
      "deny all\n"
      "allow 192.0.2.0/24   # the house\r\n"
      "\tdeny\t192.0.2.128/25\n"
      "allow 192.0.2.200\n"
      "\n"
      "allow 2001:db8::/32\n"
      "deny 2001:db8:0:8000::/49\n"
      "allow 2001:db8:0:8000::7/128");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->size(), 8u);
  EXPECT_EQ(verdict(*list, "192.0.2.127"), "allow");
  EXPECT_EQ(verdict(*list, "192.0.2.128"), "deny");
  EXPECT_EQ(verdict(*list, "192.0.2.200"), "allow");
  EXPECT_EQ(verdict(*list, "192.0.2.201"), "deny");
  EXPECT_EQ(verdict(*list, "198.51.100.1"), "deny");
  EXPECT_EQ(verdict(*list, "2001:db8::1"), "allow");
  EXPECT_EQ(verdict(*list, "2001:db8:0:7fff::1"), "allow");
  EXPECT_EQ(verdict(*list, "2001:db8:0:8000::1"), "deny");
  EXPECT_EQ(verdict(*list, "2001:db8:0:8000::7"), "allow");
  EXPECT_EQ(verdict(*list, "2001:db9::1"), "deny");
}

TEST(AddressList, OrderMeansNothing) {
  for (const char* text : {"allow 10.1.0.0/16\ndeny 10.0.0.0/8\n", "deny 10.0.0.0/8\nallow 10.1.0.0/16\n"}) {
    auto list = AddressList::parse(text);
    ASSERT_TRUE(list);
    EXPECT_EQ(verdict(*list, "10.1.2.3"), "allow");
    EXPECT_EQ(verdict(*list, "10.2.2.3"), "deny");
    EXPECT_EQ(verdict(*list, "11.2.2.3"), "nothing");
    EXPECT_EQ(verdict(*list, "::1"), "nothing");
  }
}

TEST(AddressList, MappedAddressesAreIpv4) {
  auto list = AddressList::parse("deny 192.0.2.0/24\nallow ::ffff:198.51.100.0/120\ndeny ::/0\n");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(verdict(*list, "::ffff:192.0.2.7"), "deny");
  EXPECT_EQ(verdict(*list, "::ffff:198.51.100.9"), "allow");
  EXPECT_EQ(verdict(*list, "198.51.100.9"), "allow");
  EXPECT_EQ(verdict(*list, "203.0.113.1"), "nothing") << "::/0 has the IPv6 addresses";
  EXPECT_EQ(verdict(*list, "2001:db8::1"), "deny");
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  EXPECT_FALSE(list->find(local));
}

TEST(AddressList, EveryPrefixLength) {
  for (unsigned length = 0; length <= 32; ++length) {
    const uint32_t network = length == 0 ? 0 : 0xc0a80155u & ~uint32_t{0} << (32 - length);
    in_addr address{.s_addr = htonl(network)};
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    auto list = AddressList::parse("deny " + std::string(text.data()) + "/" + std::to_string(length));
    ASSERT_TRUE(list) << length << ": " << list.error().message;
    EXPECT_EQ(verdict(*list, "192.168.1.85"), "deny") << length;
    if (length == 0) continue;
    // Its last bit is another.
    in_addr beside{.s_addr = htonl(network ^ 1u << (32 - length))};
    ::inet_ntop(AF_INET, &beside, text.data(), text.size());
    EXPECT_EQ(verdict(*list, text.data()), "nothing") << length;
  }
}

TEST(AddressList, AWrongLineSpoilsTheWhole) {
  EXPECT_EQ(error_of("allow 10.0.0.0/8\npermit 11.0.0.0/8\n"),
            "line 2: does not begin with 'allow' or 'deny'");
  EXPECT_EQ(error_of("\n\nallow\n"), "line 3: '' is not an address or a network such as 192.0.2.0/24");
  EXPECT_EQ(error_of("deny 10.0.0.1/8"), "line 1: the address has bits beyond its first 8");
  EXPECT_EQ(error_of("deny 2001:db8::1/64"), "line 1: the address has bits beyond its first 64");
  EXPECT_EQ(error_of("deny 10.0.0.0/33"), "line 1: '10.0.0.0/33': the prefix is not a number from 0 to 32");
  EXPECT_EQ(error_of("deny ::/129"), "line 1: '::/129': the prefix is not a number from 0 to 128");
  for (const char* text :
       {"deny 10.0.0.0/", "deny 10.0.0.0/-1", "deny 10.0.0.0/8x", "deny 10.0.0", "deny 010.0.0.1",
        "deny 10.0.0.1 10.0.0.2", "deny example.com", "deny10.0.0.1", "allow ALL"})
    EXPECT_NE(error_of(text), "") << text;
  EXPECT_EQ(error_of("deny 10.0.0.1\nallow 10.0.0.2\nallow 10.0.0.1/32\n"),
            "line 3: the same network is allowed and denied");
  EXPECT_EQ(error_of("deny 10.0.0.1\ndeny 10.0.0.1\n"), "") << "said twice is no contradiction";
  EXPECT_EQ(error_of("# " + std::string(2000, 'x')), "line 1: longer than 1024 bytes");
}

TEST(AddressList, NetworksOfACommandLine) {
  auto list = AddressList::of_networks("10.0.0.0/8, ::1,2001:db8::/32");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(verdict(*list, "10.9.9.9"), "allow");
  EXPECT_EQ(verdict(*list, "::1"), "allow");
  EXPECT_EQ(verdict(*list, "11.9.9.9"), "nothing");
  for (const char* text : {"", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8;11.0.0.0/8"})
    EXPECT_FALSE(AddressList::of_networks(text)) << text;
}

class AddressFilterTest : public testing::Test {
 protected:
  void write(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }
  bool allows(const std::string& address) { return filter_.allows(socket_address(address)); }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path + "/addresses";
  AddressFilter filter_{true};
};

TEST_F(AddressFilterTest, WithoutAListEverybody) {
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(AddressFilter(false).allows(socket_address("192.0.2.1")));
  auto read = filter_.reload(true);
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read) << "there is no file";
}

TEST_F(AddressFilterTest, ReadsTheFileWhenItIsAnother) {
  write("deny 192.0.2.0/24\n");
  ASSERT_TRUE(filter_.load(path_));
  EXPECT_FALSE(allows("192.0.2.1"));
  EXPECT_TRUE(allows("192.0.3.1"));
  EXPECT_FALSE(filter_.reload().value());
  EXPECT_TRUE(filter_.reload(true).value());
  write("deny 192.0.3.0/24\n");
  EXPECT_TRUE(filter_.reload().value());
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(allows("192.0.3.1"));
}

TEST_F(AddressFilterTest, ABadFileLeavesTheOldListAndIsToldOnce) {
  write("deny 192.0.2.0/24\n");
  ASSERT_TRUE(filter_.load(path_));
  write("deny 192.0.3.0/24\nnonsense\n");
  auto read = filter_.reload();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, path_ + ": line 2: does not begin with 'allow' or 'deny'");
  EXPECT_FALSE(allows("192.0.2.1"));
  EXPECT_TRUE(allows("192.0.3.1"));
  EXPECT_FALSE(filter_.reload().value());
  std::filesystem::remove(path_);
  EXPECT_FALSE(filter_.reload());
  EXPECT_FALSE(filter_.reload().value());
  EXPECT_FALSE(allows("192.0.2.1"));
  write("");
  EXPECT_TRUE(filter_.reload().value());
  EXPECT_TRUE(allows("192.0.2.1"));
}

TEST_F(AddressFilterTest, MayBeAskedWhileItChanges) {
  auto list = [](const std::string& text) { return *AddressList::parse(text); };
  filter_.replace(list("deny 192.0.2.0/24"));
  std::atomic<bool> stop = false;
  std::atomic<int> asked = 0;
  std::thread asks([&] {
    while (!stop) {
      EXPECT_FALSE(filter_.allows(socket_address("192.0.2.1"))) << "denied by each of the lists";
      ++asked;
    }
  });
  for (int i = 0; i < 200 || asked < 1000; ++i)
    filter_.replace(list(i % 2 ? "deny 192.0.2.0/24" : "deny all\nallow 10.0.0.0/8"));
  stop = true;
  asks.join();
}

}  // namespace
}  // namespace headgate::ingest::test
