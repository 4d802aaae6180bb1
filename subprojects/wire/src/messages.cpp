// SPDX-License-Identifier: LGPL-2.1-or-later
#include <wire/messages.h>

#include <algorithm>
#include <concepts>
#include <utility>

namespace headgate::wire {
namespace {

// The fields of each message, in wire order, for both directions: `archive` is a Sender or a Receiver.
void visit(auto& archive, Hello& m) {
  archive(m.role);
}
void visit(auto& archive, WorkerState& m) {
  archive(m.worker, m.pid, m.sessions, m.capacity, m.accepting, m.reason);
}
void visit(auto& archive, Handoff& m) {
  archive(m.session, m.event, m.station, m.ticket_id, m.ticket, m.peer, m.protocol, m.user_agent, m.claim,
          m.max_kbps, m.codecs, m.state);
}
void visit(auto& archive, Kick& m) {
  archive(m.session, m.reason);
}
void visit(auto& archive, SessionOpened& m) {
  archive(m.session, m.event, m.station, m.ticket_id, m.peer, m.protocol, m.user_agent, m.since_utc_us,
          m.grace_ms);
}
void visit(auto& archive, SessionClosed& m) {
  archive(m.session, m.event, m.station, m.reason);
}
void visit(auto& archive, StreamRecords& m) {
  archive(m.session, m.event, m.station, m.records, m.rendition);
}
void visit(auto& archive, SessionHealth& m) {
  archive(m.session, m.event, m.station, m.last_media_mono_us, m.received_bytes, m.frame_rate_milli, m.json);
}
void visit(auto&, GetListeners&) {}
void visit(auto& archive, Listeners& m) {
  archive(m.names);
}
void visit(auto& archive, Drain& m) {
  archive(m.on);
}
void visit(auto&, Stop&) {}
void visit(auto& archive, Status& m) {
  archive(m.role, m.pid, m.json);
}
void visit(auto& archive, WantRendition& m) {
  archive(m.session, m.rendition);
}
void visit(auto&, MarksFile&) {}
void visit(auto& archive, SessionPicture& m) {
  archive(m.session, m.event, m.station, m.jpeg);
}
void visit(auto& archive, Isolation& m) {
  archive(m.event, m.station, m.worker, m.refused, m.until_mono_us, m.reason);
}
void visit(auto& archive, Suspect& m) {
  archive(m.event, m.station, m.worker);
}
void visit(auto& archive, NodePolicy& m) {
  archive(m.full, m.grace_ms, m.isolated, m.suspects);
}
void visit(auto& archive, NodeEvent& m) {
  archive(m.id, m.utc_us, m.kind, m.severity, m.text, m.json);
}
void visit(auto& archive, Operate& m) {
  archive(m.id, m.verb, m.json);
}
void visit(auto& archive, Operated& m) {
  archive(m.id, m.code, m.json);
}
void visit(auto& archive, AskReconnect& m) {
  archive(m.session, m.url, m.text);
}

class Sender {
 public:
  explicit Sender(ByteVector& out) : out_(out) {}
  void operator()(auto&... fields) { (put(fields), ...); }

 private:
  void put(bool value) { out_.u8(value ? 1 : 0); }
  void put(uint32_t value) { out_.u32(value); }
  void put(uint64_t value) { out_.u64(value); }
  void put(int64_t value) { out_.u64(static_cast<uint64_t>(value)); }
  void put(const std::string& text) {
    size_t length = std::min(text.size(), kMaxTextBytes);
    out_.u16(length);
    out_.text(std::string_view(text).substr(0, length));
  }
  void put(const ByteVector& bytes) {
    out_.u32(bytes.size());
    out_.bytes(bytes);
  }
  void put(const std::vector<std::string>& names) {
    size_t count = std::min(names.size(), kMaxNames);
    out_.u8(count);
    for (size_t i = 0; i < count; ++i) put(names[i]);
  }
  void put(const std::vector<Isolation>& isolated) {
    const size_t count = std::min(isolated.size(), kMaxIsolated);
    out_.u8(count);
    for (size_t i = 0; i < count; ++i) visit(*this, const_cast<Isolation&>(isolated[i]));  // only reads
  }
  void put(const std::vector<Suspect>& suspects) {
    const size_t count = std::min(suspects.size(), kMaxSuspects);
    out_.u16(count);
    for (size_t i = 0; i < count; ++i) visit(*this, const_cast<Suspect&>(suspects[i]));  // only reads
  }
  ByteWriter out_;
};

class Receiver {
 public:
  Receiver(Bytes in, Age peer) : in_(in), peer_(peer) {}
  void operator()(auto&... fields) { (get_if_there(fields), ...); }
  bool complete() const { return good_ && in_.ok() && (in_.remaining() == 0 || peer_ == Age::newer); }

 private:
  void get_if_there(auto& field) {
    if (peer_ != Age::older || in_list_ || in_.remaining() > 0) get(field);
  }
  void get(bool& value) {
    uint8_t byte = in_.u8();
    good_ = good_ && byte <= 1;
    value = byte == 1;
  }
  void get(uint32_t& value) { value = in_.u32(); }
  void get(uint64_t& value) { value = in_.u64(); }
  void get(int64_t& value) { value = static_cast<int64_t>(in_.u64()); }
  void get(std::string& text) { text = as_text(in_.bytes(in_.u16())); }
  void get(ByteVector& bytes) {
    Bytes span = in_.bytes(in_.u32());
    bytes.assign(span.begin(), span.end());
  }
  void get(std::vector<std::string>& names) {
    size_t count = in_.u8();
    good_ = good_ && count <= kMaxNames;
    for (size_t i = 0; good_ && in_.ok() && i < count; ++i) get(names.emplace_back());
  }
  void get(std::vector<Isolation>& isolated) { get_list(isolated, in_.u8(), kMaxIsolated); }
  void get(std::vector<Suspect>& suspects) { get_list(suspects, in_.u16(), kMaxSuspects); }
  void get_list(auto& list, size_t count, size_t most) {
    good_ = good_ && count <= most;
    in_list_ = true;  // its elements are whole in every version
    for (size_t i = 0; good_ && in_.ok() && i < count; ++i) visit(*this, list.emplace_back());
    in_list_ = false;
  }
  ByteReader in_;
  const Age peer_;
  bool in_list_ = false;
  bool good_ = true;
};

// The type on the wire is the alternative's place in Message, from 1.
template <size_t Index = 0>
Result<Message> decode_type(size_t index, Bytes fields, Age peer) {
  if constexpr (Index == std::variant_size_v<Message>) {
    return Unexpected("message of unknown type " + std::to_string(index + 1));
  } else {
    if (index != Index) return decode_type<Index + 1>(index, fields, peer);
    std::variant_alternative_t<Index, Message> message;
    Receiver receiver(fields, peer);
    visit(receiver, message);
    if (!receiver.complete())
      return Unexpected("message of type " + std::to_string(index + 1) + ": wrong length or value");
    return Message(std::move(message));
  }
}

bool is_of_later_type(Bytes message) {
  return !message.empty() && message.size() <= kMaxMessageBytes &&
         std::to_integer<size_t>(message[0]) > std::variant_size_v<Message>;
}

}  // namespace

void encode(const Message& message, ByteVector& out) {
  ByteWriter(out).u8(message.index() + 1);
  Sender sender(out);
  // visit() serves both directions and so takes its message by reference to non-const; a Sender only reads.
  std::visit([&](const auto& m) { visit(sender, const_cast<std::remove_cvref_t<decltype(m)>&>(m)); },
             message);
}

Result<Message> decode(Bytes message, Age peer) {
  if (message.empty()) return Unexpected("empty message");
  if (message.size() > kMaxMessageBytes) return Unexpected("message larger than kMaxMessageBytes");
  auto type = std::to_integer<size_t>(message[0]);
  if (type == 0) return Unexpected("message of unknown type 0");
  return decode_type(type - 1, message.subspan(1), peer);
}

Result<std::vector<Message>> decode_packet(Bytes packet, Age peer) {
  std::vector<Message> out;
  auto add = [&](Bytes bytes) -> Result<void> {
    if (peer == Age::newer && is_of_later_type(bytes)) return {};
    auto message = decode(bytes, peer);
    if (!message) return Unexpected(message.error());
    out.push_back(*std::move(message));
    return {};
  };
  if (packet.size() > kMaxMessageBytes) return Unexpected("packet larger than kMaxMessageBytes");
  if (packet.empty() || packet[0] != std::byte{0}) {
    if (auto added = add(packet); !added) return Unexpected(added.error());
    return out;
  }
  ByteReader reader(packet.subspan(kBundleHeadBytes));
  size_t count = 0;
  do {
    Bytes bytes = reader.bytes(reader.u32());
    if (!reader.ok()) return Unexpected("bundle that ends within a message");
    if (++count > kMaxBundled) return Unexpected("bundle of more than kMaxBundled messages");
    if (auto added = add(bytes); !added) return Unexpected(added.error());
  } while (reader.remaining() > 0);
  return out;
}

}  // namespace headgate::wire
