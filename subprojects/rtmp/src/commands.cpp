// SPDX-License-Identifier: LGPL-2.1-or-later
// The command layer (Adobe RTMP 1.0, section 7), as publishers use it.
#include <rtmp/adobe_auth.h>
#include <rtmp/server.h>

#include <algorithm>
#include <cassert>

namespace headgate::rtmp {
namespace {

constexpr uint32_t kServerWindow = 2'500'000;  // bytes until the client shall acknowledge; none does
constexpr uint32_t kServerChunkSize = 4096;    // so that every reply is one chunk
constexpr std::string_view kServerVersion = "FMS/3,5,7,7009";  // some clients parse this form
constexpr double kServerCapabilities = 31;

// AMF3 messages are a format byte and then AMF0 (with 0x11 where AMF3 begins).
Bytes without_format_byte(const MessageHeader& header, Bytes payload) {
  bool amf3 = header.type == kCommandAmf3 || header.type == kDataAmf3;
  if (amf3 && !payload.empty() && payload[0] == std::byte{0}) return payload.subspan(1);
  return payload;
}

std::string string_argument(const std::vector<AmfValue>& arguments, size_t index) {
  if (index >= arguments.size() || arguments[index].type != AmfValue::kString) return {};
  return arguments[index].string;
}

// "live?x" gives "x" and leaves "live".
std::string cut_query(std::string& text) {
  size_t mark = text.find('?');
  if (mark == std::string::npos) return {};
  std::string query = text.substr(mark + 1);
  text.resize(mark);
  return query;
}

}  // namespace

Result<void> Server::on_command(const MessageHeader& header, Bytes payload, ServerHandler& handler) {
  if (phase_ == Phase::kCommands && ++commands_ > limits_.max_commands_before_publish)
    return Unexpected("RTMP: limit max_commands_before_publish (" +
                      std::to_string(limits_.max_commands_before_publish) + ") exceeded");
  auto values = read_amf0(without_format_byte(header, payload), limits_);
  bool named = values && !values->empty() && values->front().type == AmfValue::kString;
  if (!named) {
    // A running stream is not ended by a command that cannot be read.
    if (phase_ == Phase::kPublishing) return {};
    return Unexpected(values ? "RTMP: command without a name" : "RTMP: " + values.error().message);
  }
  Command command;
  command.name = std::move(values->front().string);
  size_t next = 1;
  if (next < values->size() && (*values)[next].type == AmfValue::kNumber)
    command.transaction = (*values)[next++].number;
  command.arguments.assign(std::make_move_iterator(values->begin() + static_cast<ptrdiff_t>(next)),
                           std::make_move_iterator(values->end()));
  command.stream_id = header.stream_id;

  if (command.name == "connect") {
    if (!connected_) on_connect(command, handler);
    return {};
  }
  if (!connected_) return Unexpected("RTMP: a command before connect");
  on_stream_command(command, handler);
  return {};
}

void Server::on_connect(const Command& command, ServerHandler& handler) {
  if (!command.arguments.empty()) {
    const AmfValue& object = command.arguments.front();
    connect_.app = std::string(object.text("app"));
    connect_.tc_url = std::string(object.text("tcUrl"));
    connect_.flash_ver = std::string(object.text("flashVer"));
    connect_.caps_ex = read_caps_ex(object);
  }
  connect_.query = cut_query(connect_.app);
  if (connect_.query.empty()) {
    std::string url = connect_.tc_url;
    connect_.query = cut_query(url);
  }
  while (connect_.app.ends_with('/')) connect_.app.pop_back();

  ByteVector reply;
  AmfWriter writer(reply);
  if (auto rejection = handler.on_connect(connect_)) {
    // librtmp built with GnuTLS (Debian's) leaves its base64 without an end when it answers a challenge, and
    // writes whatever lies behind it over its heap. Having answered a ping just before, it finds an end there
    // (docs/rtmp.md, "librtmp").
    write_user_control(writer_, output_, kPingRequest, 0);
    writer.string("_error").number(command.transaction).null().begin_object();
    writer.key("level").string("error");
    writer.key("code").string("NetConnection.Connect.Rejected");
    writer.key("description").string(fit_description(*rejection)).end();
    send_command(0, reply);
    phase_ = Phase::kEnded;
    return;
  }
  connected_ = true;
  write_window_ack_size(writer_, output_, kServerWindow);
  write_set_peer_bandwidth(writer_, output_, kServerWindow);
  writer_.set_chunk_size(output_, kServerChunkSize);
  writer.string("_result").number(command.transaction).begin_object();
  writer.key("fmsVer").string(kServerVersion);
  writer.key("capabilities").number(kServerCapabilities);
  // "Within an Object as one of the parameters" (Enhanced RTMP v2): clients look in either.
  if (connect_.caps_ex) write_capabilities(writer);
  writer.end();
  writer.begin_object();
  writer.key("level").string("status");
  writer.key("code").string("NetConnection.Connect.Success");
  writer.key("description").string("Connection succeeded.");
  writer.key("objectEncoding").number(0);  // AMF0, whatever was offered
  if (connect_.caps_ex) write_capabilities(writer);
  writer.end();
  send_command(0, reply);
}

void Server::on_stream_command(const Command& command, ServerHandler& handler) {
  const std::string& name = command.name;
  if (name == "createStream") {
    reply_result(command.transaction, ++last_stream_id_);
  } else if (name == "publish") {
    if (phase_ == Phase::kCommands) on_publish(command);  // once; a second one is ignored
  } else if (name == "FCPublish") {
    fc_publish_seen_ = true;
    reply_result(command.transaction, std::nullopt);
  } else if (name == "releaseStream" || name == "_checkbw") {
    reply_result(command.transaction, std::nullopt);
  } else if (name == "getStreamLength") {
    reply_result(command.transaction, 0);
  } else if (name == "FCUnpublish") {
    reply_result(command.transaction, std::nullopt);
    on_end(End::kUnpublish, handler);
  } else if (name == "closeStream") {
    if (command.stream_id == publish_stream_ || command.stream_id == 0) on_end(End::kCloseStream, handler);
  } else if (name == "deleteStream") {
    bool other = command.arguments.size() > 1 && command.arguments[1].type == AmfValue::kNumber &&
                 command.arguments[1].number != publish_stream_;
    if (!other) on_end(End::kDeleteStream, handler);
  } else if (name == "play" || name == "play2") {
    if (phase_ != Phase::kCommands) return;
    publish_stream_ = command.stream_id;
    send_status("error", "NetStream.Play.Failed", "This port takes publishers; nothing is played from it.");
    phase_ = Phase::kEnded;
  }
}

void Server::on_publish(const Command& command) {
  publish_.name = string_argument(command.arguments, 1);
  publish_.type = string_argument(command.arguments, 2);
  publish_stream_ = command.stream_id;
  phase_ = Phase::kPublishAsked;
}

void Server::on_end(End end, ServerHandler& handler) {
  if (phase_ != Phase::kPublishing) return;
  send_status("status", "NetStream.Unpublish.Success", "Unpublished.");
  phase_ = Phase::kEnded;
  handler.on_end(end);
}

void Server::on_data(const MessageHeader& header, Bytes payload, ServerHandler& handler) {
  if (std::equal(payload.begin(), payload.end(), last_metadata_.begin(), last_metadata_.end())) return;
  auto values = read_amf0(without_format_byte(header, payload), limits_);
  if (!values) return;  // not worth a stream
  size_t at = 0;
  if (!values->empty() && (*values)[0].string == "@setDataFrame") at = 1;
  if (values->size() < at + 2 || (*values)[at].string != "onMetaData") return;
  const AmfValue& object = (*values)[at + 1];
  if (object.type != AmfValue::kObject && object.type != AmfValue::kEcmaArray) return;
  last_metadata_.assign(payload.begin(), payload.end());
  handler.on_metadata(read_metadata(object));
}

void Server::accept_publish() {
  assert(phase_ == Phase::kPublishAsked);
  write_user_control(writer_, output_, kStreamBegin, publish_stream_);
  if (fc_publish_seen_) {
    ByteVector message;
    AmfWriter writer(message);
    writer.string("onFCPublish").number(0).null().begin_object();
    writer.key("code").string("NetStream.Publish.Start");
    writer.key("description").string("Started publishing.").end();
    send_command(0, message);
  }
  send_status("status", "NetStream.Publish.Start", "Started publishing.");
  phase_ = Phase::kPublishing;
}

void Server::refuse_publish(int code, std::string_view text) {
  assert(phase_ == Phase::kPublishAsked);
  send_status("error", "NetStream.Publish.BadName",
              fit_description(std::to_string(code) + " " + std::string(text)));
  phase_ = Phase::kEnded;
  pending_.clear();
}

void Server::end_publish(std::string_view text) {
  assert(phase_ == Phase::kPublishing);
  send_status("error", "NetStream.Publish.BadName", fit_description(std::string(text)));
  phase_ = Phase::kEnded;
}

bool Server::request_reconnect(std::string_view tc_url, std::string_view description) {
  if (phase_ != Phase::kPublishing || !(connect_.caps_ex.value_or(0) & kCapsReconnect)) return false;
  ByteVector message;
  AmfWriter writer(message);
  writer.string("onStatus").number(0).null().begin_object();
  if (!tc_url.empty()) writer.key("tcUrl").string(tc_url);
  writer.key("code").string("NetConnection.Connect.ReconnectRequest");
  writer.key("description").string(fit_description(std::string(description)));
  writer.key("level").string("status").end();
  send_command(0, message);  // of the connection, not of the stream
  return true;
}

// To transaction 0 nothing is replied (7.2.1); rtmp2sink sends most of its commands so.
void Server::reply_result(double transaction, std::optional<double> value) {
  if (transaction == 0) return;
  ByteVector reply;
  AmfWriter writer(reply);
  writer.string("_result").number(transaction).null();
  if (value)
    writer.number(*value);
  else
    writer.null();
  send_command(0, reply);
}

void Server::send_notice(std::string_view level, std::string_view code, std::string_view text) {
  if (phase_ == Phase::kPublishing) send_status(level, code, fit_description(std::string(text)));
}

void Server::send_status(std::string_view level, std::string_view code, std::string_view description) {
  ByteVector message;
  AmfWriter writer(message);
  writer.string("onStatus").number(0).null().begin_object();
  writer.key("level").string(level);
  writer.key("code").string(code);
  writer.key("description").string(description).end();
  send_command(publish_stream_, message);
}

void Server::send_command(uint32_t stream_id, Bytes payload) {
  writer_.write(output_, kCommandCsid, {.type = kCommandAmf0, .stream_id = stream_id}, payload);
}

}  // namespace headgate::rtmp
