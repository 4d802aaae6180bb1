// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/adobe_auth.h>
#include <rtmp/client.h>
#include <rtmp/enhanced.h>

#include <algorithm>

#include <base/encoding.h>

namespace headgate::rtmp {
namespace {

constexpr size_t kServerHandshake = 1 + 2 * kHandshakeBlock;  // S0 S1 S2
constexpr int kMaxAuthSteps = 2;  // needauth, then the response: a third request would go on for ever
// Transaction numbers, as FFmpeg has them.
constexpr double kTxConnect = 1, kTxReleaseStream = 2, kTxFcPublish = 3, kTxCreateStream = 4, kTxPublish = 5,
                 kTxFcUnpublish = 6, kTxDeleteStream = 7;

// The value of `key` in "…?a=1&b=2": what follows the last '?' of a server's description, as it stands.
std::string parameter(std::string_view text, std::string_view key) {
  size_t query = text.rfind('?');
  if (query == std::string_view::npos) return {};
  std::string_view rest = text.substr(query + 1);
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=')
      return std::string(pair.substr(key.size() + 1));
  }
  return {};
}

const AmfValue* argument(const std::vector<AmfValue>& values, size_t index) {
  return index < values.size() ? &values[index] : nullptr;
}

}  // namespace

// Commands and user control messages are kept; a publisher has no use for anything else.
class Client::Inbox : public MessageSink {
 public:
  explicit Inbox(Client& client) : client_(client) {}
  std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override {
    if (header.type != kCommandAmf0 && header.type != kCommandAmf3 && header.type != kUserControl) return {};
    auto& open = client_.open_;
    open.emplace_back(csid, ByteVector(header.length - prefix.size()));
    return open.back().second;
  }
  void complete(uint32_t csid, const MessageHeader& header, Bytes, std::span<std::byte> payload) override {
    if (result_) result_ = client_.on_message(header, payload);
    abandon(csid);
  }
  void abandon(uint32_t csid) override {
    std::erase_if(client_.open_, [csid](const auto& message) { return message.first == csid; });
  }
  Result<void> take_result() { return std::move(result_); }

 private:
  Client& client_;
  Result<void> result_;
};

Client::Client(const PublishTarget& target, FillRandom random) : target_(&target), random_(random) {
  begin();
}

void Client::begin() {
  phase_ = Phase::kHandshake;
  handshake_.clear();
  reader_ = ChunkReader();
  writer_ = ChunkWriter();
  open_.clear();
  reconnect_.reset();
  server_caps_.reset();
  output_.assign(1 + kHandshakeBlock, std::byte{0});  // time and version zero: the plain handshake
  output_[0] = std::byte{3};
  random_(std::span(output_).subspan(9));
}

void Client::restart() {
  begin();
}

Result<void> Client::feed(Bytes data) {
  if (phase_ == Phase::kHandshake) {
    Result<size_t> taken = take_handshake(data);
    if (!taken) return Unexpected(taken.error());
    data = data.subspan(*taken);
  }
  if (phase_ == Phase::kHandshake || data.empty()) return {};
  Inbox inbox(*this);
  if (auto fed = reader_.feed(data, inbox); !fed) return Unexpected(fed.error());
  return inbox.take_result();
}

Result<size_t> Client::take_handshake(Bytes data) {
  size_t count = std::min(data.size(), kServerHandshake - handshake_.size());
  handshake_.insert(handshake_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
  if (!handshake_.empty() && handshake_[0] != std::byte{3})
    return Unexpected("the server speaks version " + std::to_string(std::to_integer<int>(handshake_[0])) +
                      " of the handshake, not 3: is it an RTMP server?");
  if (handshake_.size() < kServerHandshake) return count;
  Bytes s1 = Bytes(handshake_).subspan(1, kHandshakeBlock);
  output_.insert(output_.end(), s1.begin(), s1.end());  // C2
  handshake_ = {};
  writer_.set_chunk_size(output_, target_->chunk_size);
  send_connect();
  return count;
}

Result<void> Client::on_message(const MessageHeader& header, Bytes payload) {
  if (header.type != kUserControl) return on_command(header, payload);
  ByteReader reader(payload);
  uint16_t event = reader.u16();
  uint32_t value = reader.u32();
  if (reader.ok() && event == kPingRequest) write_user_control(writer_, output_, kPingResponse, value);
  return {};
}

Result<void> Client::on_command(const MessageHeader& header, Bytes payload) {
  if (header.type == kCommandAmf3) {  // a format byte, then AMF0
    if (payload.empty()) return {};
    payload = payload.subspan(1);
  }
  auto values = read_amf0(payload);
  if (!values) return Unexpected(values.error());
  const AmfValue* name = argument(*values, 0);
  const AmfValue* transaction = argument(*values, 1);
  const AmfValue* value = argument(*values, 3);
  if (!name || !transaction) return {};
  if (name->string == "_result") {
    if (transaction->number == kTxConnect && phase_ == Phase::kConnect) {
      if (value) server_caps_ = read_caps_ex(*value);
      send_create_stream();
    } else if (transaction->number == kTxCreateStream && phase_ == Phase::kCreateStream) {
      if (!value || value->type != AmfValue::kNumber)
        return Unexpected("createStream was answered without a stream id");
      stream_id_ = static_cast<uint32_t>(value->number);
      send_publish();
    }
  } else if (name->string == "_error") {
    // Of releaseStream and FCPublish it means nothing: nobody has to know the stream yet.
    bool to_connect = transaction->number == kTxConnect;
    if (to_connect || transaction->number == kTxCreateStream || transaction->number == kTxPublish)
      return on_error(value ? *value : AmfValue{}, to_connect);
  } else if (name->string == "onStatus" && value) {
    on_status(*value);
  }
  return {};
}

void Client::on_status(const AmfValue& info) {
  std::string_view code = info.text("code");
  if (phase_ == Phase::kPublish && code == "NetStream.Publish.Start") {
    phase_ = Phase::kPublishing;
  } else if (code == "NetConnection.Connect.ReconnectRequest") {
    reconnect_ = Reconnect{std::string(info.text("tcUrl")), std::string(info.text("description"))};
  } else if (info.text("level") == "error") {
    phase_ = Phase::kRefused;
    refusal_ = {std::string(code), std::string(info.text("description"))};
  }
}

Result<void> Client::on_error(const AmfValue& info, bool to_connect) {
  refusal_ = {std::string(info.text("code")), std::string(info.text("description"))};
  phase_ = Phase::kRefused;
  if (!to_connect || target_->user.empty() || refusal_.text.find("authmod=adobe") == std::string::npos)
    return {};
  return answer_rejection(refusal_.text);
}

// First "code=403 need auth", then "?reason=needauth&user=…&salt=…&challenge=…&opaque=…".
Result<void> Client::answer_rejection(const std::string& description) {
  if (parameter(description, "reason") == "needauth") {
    std::string salt = parameter(description, "salt"), opaque = parameter(description, "opaque");
    if (opaque.empty()) opaque = parameter(description, "challenge");
    std::array<std::byte, 4> nonce;
    random_(nonce);
    std::string mine = to_hex(nonce);
    auth_query_ = "?authmod=adobe&user=" + target_->user + "&challenge=" + mine +
                  "&response=" + adobe_response(target_->user, salt, target_->password, opaque, mine) +
                  "&opaque=" + opaque;
  } else if (description.find("need auth") != std::string::npos && auth_query_.empty()) {
    auth_query_ = "?authmod=adobe&user=" + target_->user;
  } else {
    return {};  // authfailed, nosuchuser: refused
  }
  if (++attempts_ > kMaxAuthSteps) return {};
  phase_ = Phase::kReconnect;
  return {};
}

void Client::send_connect() {
  ByteVector body;
  AmfWriter writer(body);
  writer.string("connect").number(kTxConnect).begin_object();
  writer.key("app").string(target_->app + auth_query_);
  writer.key("type").string("nonprivate");
  writer.key("flashVer").string(target_->flash_ver);
  writer.key("tcUrl").string(target_->tc_url + auth_query_);
  if (target_->enhanced) write_capabilities(writer);
  writer.end();
  send(0, body);
  phase_ = Phase::kConnect;
}

void Client::send_create_stream() {
  send_name_command("releaseStream", kTxReleaseStream);
  send_name_command("FCPublish", kTxFcPublish);
  ByteVector body;
  AmfWriter(body).string("createStream").number(kTxCreateStream).null();
  send(0, body);
  phase_ = Phase::kCreateStream;
}

void Client::send_publish() {
  ByteVector body;
  AmfWriter(body).string("publish").number(kTxPublish).null().string(target_->stream_key).string("live");
  send(stream_id_, body);
  phase_ = Phase::kPublish;
}

void Client::unpublish() {
  send_name_command("FCUnpublish", kTxFcUnpublish);
  ByteVector body;
  AmfWriter(body).string("deleteStream").number(kTxDeleteStream).null().number(stream_id_);
  send(0, body);
}

void Client::send_name_command(std::string_view command, double transaction) {
  ByteVector body;
  AmfWriter(body).string(command).number(transaction).null().string(target_->stream_key);
  send(0, body);
}

void Client::send(uint32_t stream_id, Bytes command) {
  MessageHeader header;
  header.type = kCommandAmf0;
  header.stream_id = stream_id;
  writer_.write(output_, kCommandCsid, header, command);
}

}  // namespace headgate::rtmp
