// SPDX-License-Identifier: LGPL-2.1-or-later
// Messages: what was encoded decodes to the same, and nothing else decodes.
#include <base/io.h>
#include <gtest/gtest.h>
#include <wire/messages.h>

#include <filesystem>
#include <random>
#include <set>

namespace headgate::wire {
namespace {

// Random values for every field, with the lengths that matter: nothing, one, many, the longest.
class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  uint64_t number() { return random_() % 4 == 0 ? random_() % 3 : random_(); }
  std::string text() {
    static constexpr size_t kLengths[] = {0, 1, 40, 300};
    std::string out(kLengths[random_() % 4], 'x');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }
  ByteVector bytes() {
    std::string source = text();
    Bytes view = as_bytes(source);
    return {view.begin(), view.end()};
  }
  std::vector<std::string> names() {
    std::vector<std::string> out(random_() % (kMaxNames + 1));
    for (auto& name : out) name = text();
    return out;
  }

  Message message(size_t type) {
    auto u32 = [&] { return static_cast<uint32_t>(number()); };
    auto i64 = [&] { return static_cast<int64_t>(number()); };
    switch (type) {
      case 0:
        return Hello{text()};
      case 1:
        return WorkerState{u32(), u32(), u32(), u32(), number() % 2 == 0, text()};
      case 2:
        return Handoff{number(), u32(),  u32(),  text(), text(), text(),
                       text(),   text(), text(), u32(),  u32(),  bytes()};
      case 3:
        return Kick{number(), text()};
      case 4:
        return SessionOpened{number(), u32(), u32(), text(), text(), text(), text(), i64(), i64()};
      case 5:
        return SessionClosed{number(), u32(), u32(), text()};
      case 6:
        return StreamRecords{number(), u32(), u32(), bytes(), text()};
      case 7:
        return SessionHealth{number(), u32(), u32(), i64(), number(), u32(), text()};
      case 8:
        return GetListeners{};
      case 9:
        return Listeners{names()};
      case 10:
        return Drain{number() % 2 == 0};
      case 11:
        return Stop{};
      case 13:
        return WantRendition{number(), text()};
      case 14:
        return NodeEvent{number(), i64(), text(), text(), text(), text()};
      case 15:
        return Operate{number(), text(), text()};
      case 16:
        return Operated{number(), u32(), text()};
      case 17:
        return AskReconnect{number(), text(), text()};
      case 18:
        return MarksFile{};
      case 19:
        return NodePolicy{text(), i64(), isolated(), suspects()};
      case 20:
        return SessionPicture{number(), u32(), u32(), bytes()};
      default:
        return Status{text(), u32(), text()};
    }
  }
  std::vector<Isolation> isolated() {
    std::vector<Isolation> out(random_() % (kMaxIsolated + 1));
    for (auto& one : out)
      one = {static_cast<uint32_t>(number()), static_cast<uint32_t>(number()),
             static_cast<uint32_t>(number()), number() % 2 == 0,
             static_cast<int64_t>(number()),  text()};
    return out;
  }
  std::vector<Suspect> suspects() {
    std::vector<Suspect> out(random_() % 9);
    for (auto& one : out)
      one = {static_cast<uint32_t>(number()), static_cast<uint32_t>(number()),
             static_cast<uint32_t>(number())};
    return out;
  }

 private:
  std::mt19937_64 random_;
};

constexpr size_t kTypes = std::variant_size_v<Message>;

ByteVector encoded(const Message& message) {
  ByteVector out;
  encode(message, out);
  return out;
}

TEST(Messages, EveryTypeReadsBackAsItWasWritten) {
  Dice dice(1);
  for (size_t type = 0; type < kTypes; ++type) {
    for (int round = 0; round < 200; ++round) {
      Message message = dice.message(type);
      ASSERT_EQ(message.index(), type);
      auto back = decode(encoded(message));
      ASSERT_TRUE(back) << type << ": " << back.error().message;
      EXPECT_EQ(*back, message);
    }
  }
}

TEST(Messages, EveryShorterAndLongerPacketIsRefused) {
  Dice dice(2);
  for (size_t type = 0; type < kTypes; ++type) {
    ByteVector packet = encoded(dice.message(type));
    for (size_t length = 0; length < packet.size(); ++length)
      EXPECT_FALSE(decode(Bytes(packet).first(length))) << "type " << type << " cut at " << length;
    packet.push_back(std::byte{0});
    EXPECT_FALSE(decode(packet)) << "type " << type << " with a byte more";
  }
}

TEST(Messages, OfALaterVersionTheFieldsThatWeKnowAreRead) {
  Dice dice(4);
  for (size_t type = 0; type < kTypes; ++type) {
    const Message message = dice.message(type);
    ByteVector packet = encoded(message);
    const size_t length = packet.size();
    ByteWriter(packet).text("more");
    EXPECT_FALSE(decode(packet, Age::same)) << type;
    EXPECT_FALSE(decode(packet, Age::older)) << type;
    const auto newer = decode(packet, Age::newer);
    ASSERT_TRUE(newer) << type;
    EXPECT_EQ(*newer, message);
    for (size_t cut = 0; cut < length; ++cut)
      EXPECT_FALSE(decode(Bytes(packet).first(cut), Age::newer)) << "type " << type << " cut at " << cut;
  }
}

TEST(Messages, OfAnOlderVersionWhatItDoesNotTellKeepsItsDefault) {
  const Message whole = SessionOpened{1, 2, 3, "aa", "peer", "rtmp", "agent", 7, 9};
  Message without = whole;
  std::get<SessionOpened>(without).grace_ms = SessionOpened().grace_ms;
  const ByteVector packet = encoded(whole);
  const Bytes shorter = Bytes(packet).first(packet.size() - 8);
  EXPECT_FALSE(decode(shorter, Age::same));
  EXPECT_FALSE(decode(shorter, Age::newer));
  const auto older = decode(shorter, Age::older);
  ASSERT_TRUE(older);
  EXPECT_EQ(*older, without);
  // Cut within a field it is damaged, whatever the version; and so is a list without all its elements.
  for (size_t cut = 1; cut < 8; ++cut)
    EXPECT_FALSE(decode(Bytes(packet).first(packet.size() - cut), Age::older));
  const NodePolicy policy{"", 0, {Isolation{1, 2, 3, true, 4, "why"}, Isolation{}}, {}};
  const ByteVector list = encoded(policy);
  const size_t suspects = 2;  // their count
  const size_t last = encoded(NodePolicy{"", 0, {Isolation{}}, {}}).size() - encoded(NodePolicy{}).size();
  ASSERT_TRUE(decode(list, Age::older));
  const auto without_suspects = decode(Bytes(list).first(list.size() - suspects), Age::older);
  ASSERT_TRUE(without_suspects);
  EXPECT_EQ(*without_suspects, Message(policy));
  EXPECT_FALSE(decode(Bytes(list).first(list.size() - suspects - last), Age::older));
}

TEST(Version, OneMajorUnderstandsItself) {
  const Version own{3, 4};
  EXPECT_EQ(age_of({3, 4}, own), Age::same);
  EXPECT_EQ(age_of({3, 3}, own), Age::older);
  EXPECT_EQ(age_of({3, 5}, own), Age::newer);
  for (const Version other : {Version{2, 4}, Version{4, 4}, Version{0, 0}, Version{4, 0}, Version{0xffff, 4}})
    EXPECT_EQ(age_of(other, own), std::nullopt) << text_of(other);
}

TEST(Version, AGreetingReadsBackAndNothingElseIsOne) {
  const Version version{0x1234, 0xfe01};
  const auto packet = greeting(version);
  EXPECT_EQ(read_greeting(packet), version);
  EXPECT_EQ(text_of(version), "4660.65025");
  // Its form is that of all versions, for ever.
  EXPECT_EQ(as_text(packet), std::string_view("HGW\xff\x12\x34\xfe\x01", 8));
  for (size_t length = 0; length < packet.size(); ++length)
    EXPECT_EQ(read_greeting(Bytes(packet).first(length)), std::nullopt) << length;
  ByteVector longer(packet.begin(), packet.end());
  longer.resize(kMaxGreetingBytes);
  EXPECT_EQ(read_greeting(longer), version) << "what a later one adds is left out";
  longer.resize(kMaxGreetingBytes + 1);
  EXPECT_EQ(read_greeting(longer), std::nullopt);
  for (size_t at = 0; at < 4; ++at) {
    auto wrong = packet;
    wrong[at] ^= std::byte{1};
    EXPECT_EQ(read_greeting(wrong), std::nullopt) << at;
  }
  // Nor is a message taken for one, in either direction.
  for (size_t type = 0; type < kTypes; ++type) {
    Dice dice(5);
    EXPECT_EQ(read_greeting(encoded(dice.message(type))), std::nullopt);
  }
  EXPECT_FALSE(decode_packet(packet, Age::same));
}

TEST(Messages, EveryTypeIsAmongTheFuzzersSeeds) {
  std::set<size_t> missing;
  for (size_t type = 0; type < kTypes; ++type) missing.insert(type);
  for (const auto& file : std::filesystem::directory_iterator(HEADGATE_WIRE_SEEDS)) {
    const auto seed = read_file(file.path().string(), kMaxMessageBytes);
    ASSERT_TRUE(seed) << file.path();
    if (const auto messages = decode_packet(*seed))
      for (const Message& message : *messages) missing.erase(message.index());
  }
  EXPECT_TRUE(missing.empty()) << "type " << *missing.begin() + 1 << " on the wire";
}

TEST(Messages, UnknownTypesAndValuesAreRefused) {
  for (int type : {0, static_cast<int>(kTypes) + 1, 255}) {
    ByteVector packet{static_cast<std::byte>(type)};
    EXPECT_FALSE(decode(packet)) << type;
  }
  ByteVector state = encoded(WorkerState{});
  ASSERT_EQ(state[17], std::byte{1});  // accepting
  state[17] = std::byte{2};
  EXPECT_FALSE(decode(state));
  ByteVector names = encoded(Listeners{});
  names[1] = static_cast<std::byte>(kMaxNames + 1);
  names.resize(names.size() + 2 * (kMaxNames + 1));  // so many empty names
  EXPECT_FALSE(decode(names));
  EXPECT_FALSE(decode(ByteVector(kMaxMessageBytes + 1, std::byte{1})));
}

ByteVector bundled(const std::vector<ByteVector>& messages) {
  ByteVector out{std::byte{0}};
  for (const ByteVector& message : messages) {
    ByteWriter writer(out);
    writer.u32(static_cast<uint32_t>(message.size()));
    writer.bytes(message);
  }
  return out;
}

TEST(Packets, OneMessageOrABundleReadsBack) {
  Dice dice(3);
  std::vector<Message> sent;
  std::vector<ByteVector> parts;
  for (size_t type = 0; type < kTypes; ++type) {
    sent.push_back(dice.message(type));
    parts.push_back(encoded(sent.back()));
    auto alone = decode_packet(parts.back());
    ASSERT_TRUE(alone) << alone.error().message;
    EXPECT_EQ(*alone, std::vector{sent.back()});
  }
  auto together = decode_packet(bundled(parts));
  ASSERT_TRUE(together) << together.error().message;
  EXPECT_EQ(*together, sent);
}

TEST(Packets, ABundleIsTakenWholeOrNotAtAll) {
  const ByteVector one = encoded(Hello{"gate"});
  const ByteVector two = bundled({one, one});
  const size_t first_alone = kBundleHeadBytes + kBundledHeadBytes + one.size();
  for (size_t length = 0; length < two.size(); ++length)
    EXPECT_EQ(decode_packet(Bytes(two).first(length)).has_value(), length == first_alone) << length;
  EXPECT_TRUE(decode_packet(bundled(std::vector(kMaxBundled, one))));
  EXPECT_FALSE(decode_packet(bundled(std::vector(kMaxBundled + 1, one))));
  EXPECT_FALSE(decode_packet(bundled({one, bundled({one})}))) << "a bundle within a bundle";
  EXPECT_FALSE(decode_packet(bundled({one, {}})));
  EXPECT_FALSE(decode_packet(ByteVector(kMaxMessageBytes + 1, std::byte{0})));
}

TEST(Messages, TextsLongerThanTheLimitAreCutNotLost) {
  Status status{"worker", 7, std::string(kMaxTextBytes + 100, 'j')};
  auto back = decode(encoded(status));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<Status>(*back).json.size(), kMaxTextBytes);
}

TEST(Messages, ABatchOfTheLargestSizeFits) {
  StreamRecords records{~0ull, ~0u, ~0u, ByteVector(kMaxRecordsBytes), std::string(32, 'x')};
  EXPECT_LE(encoded(records).size(), kMaxMessageBytes);
}

}  // namespace
}  // namespace headgate::wire
