// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <preflight/ticket_files.h>
#include <ticket/issuer.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

class TicketFiles : public ::testing::Test {
 protected:
  TicketFiles() {
    std::string folder = ::testing::TempDir() + "tickets-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~TicketFiles() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  Result<std::vector<GivenTicket>> read(const std::string& path = "") const {
    return read_tickets((folder_ / path).string(), {});
  }
  fs::path folder_;
};

ticket::Issued issued_for(uint32_t station, ticket::Seal seal = ticket::Seal::kNone) {
  ticket::IssuerKeys keys;
  keys.event = 77;
  keys.fleet = ticket::FleetKey{};
  ticket::IssueRequest request;
  request.tid = ticket::new_ticket_id();
  request.station = station;
  request.not_before = 1'800'000'000;
  request.expires = 1'800'086'400;
  request.seal = seal;
  request.hints.endpoints = {{ticket::Protocol::kSrt, "in.example.org", 9000}};
  return *ticket::Issuer(keys).issue(request);
}

TEST_F(TicketFiles, AreOfAnyFormThatTicketsAreGivenIn) {
  const auto first = issued_for(1), second = issued_for(2);
  write("a.txt",
        first.ticket.wire_text() + "\n\n  " + ticket::qr_text("IN.EXAMPLE.ORG", second.blob) + "\r\n");
  write("b.json",
        R"({"ticket":"W","publish":[{"protocol":"rtmp","url":"rtmp://USER:PASS@in.example.org:1936/lt/W"},)"
        R"({"protocol":"rtmp","url":"rtmp://in.example.org:1936/lt/W pubUser=USER"},)"
        R"({"protocol":"srt","url":"srt://[2001:db8::1]:9000?streamid=#!::m=publish"}]})");
  write("c.md", "not a ticket");
  const auto all = read();
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].wire, first.ticket.wire_text());
  EXPECT_EQ((*all)[0].place, "a.txt:1");
  EXPECT_TRUE((*all)[0].endpoints.empty());
  EXPECT_EQ((*all)[1].wire, second.ticket.wire_text());
  EXPECT_EQ((*all)[1].place, "a.txt:3");
  ASSERT_EQ((*all)[1].endpoints.size(), 1U);
  EXPECT_EQ((*all)[1].endpoints[0].host, "in.example.org");
  EXPECT_EQ((*all)[2].wire, "W");
  // Each place once, whichever client it is written for.
  ASSERT_EQ((*all)[2].endpoints.size(), 2U);
  EXPECT_EQ((*all)[2].endpoints[0].port, 1936);
  EXPECT_EQ((*all)[2].endpoints[1].host, "2001:db8::1");
}

TEST_F(TicketFiles, SayWhatCannotBeRead) {
  write("a.txt", "{\"event\":77}\n{broken\nLT1.NONSENSE\n" +
                     ticket::qr_text("X", issued_for(1, ticket::Seal::kFleet).blob) + "\n");
  const auto all = read("a.txt");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 4U);
  for (const GivenTicket& one : *all) EXPECT_FALSE(one.fault.empty()) << one.place;
  EXPECT_EQ((*all)[0].fault, "no ticket: it has no member \"ticket\"");
  EXPECT_EQ((*all)[1].fault, "no JSON object in one line");
  EXPECT_TRUE((*all)[3].fault.starts_with("SEALED")) << (*all)[3].fault;
}

TEST_F(TicketFiles, AreThere) {
  EXPECT_FALSE(read());
  EXPECT_FALSE(read("missing.txt"));
}

}  // namespace
}  // namespace headgate::preflight
