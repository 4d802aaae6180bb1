// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_client.h"

#include <base/io.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <base/json.h>
#include "table.h"

namespace headgate::cli {
namespace {

constexpr int kTimeoutS = 5;
constexpr int kOrderTimeoutS = 20;                      // a kick is answered when the session is over
constexpr int kEventTimeoutS = 45;                      // a comment comes each 15 s
constexpr char kServiceRuntimeDir[] = "/run/headgate";  // of the systemd unit
constexpr size_t kReadBytes = 64 * 1024;

std::string advice_for(int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return ". Is `headgate serve` running? --data is the folder that it was given";
    case EACCES:
    case EPERM:
      return ". Only the node's own user may ask it: sudo -u headgate headgate …";
    case EAGAIN:
      return ": it takes nobody now; try again";
    default:
      return "";
  }
}

Result<UniqueFd> connect_to(const std::string& path, int timeout_s) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Unexpected(path + ": too long a path for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval timeout{timeout_s, 0};
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
    return errno_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    return Unexpected(error, "no node answers at " + path + ": " + std::generic_category().message(error) +
                                 advice_for(error));
  }
  return fd;
}

Result<void> send_request(int fd, const char* method, const std::string& path, const std::string& headers,
                          const std::string& json) {
  std::string request = std::string(method) + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
  if (!json.empty())
    request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) + "\r\n";
  else if (std::strcmp(method, "GET") != 0)
    request += "Content-Length: 0\r\n";
  request += "\r\n" + json;
  // A node that ends closes the connection: an error, not a signal.
  std::string_view left = request;
  while (!left.empty()) {
    const ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno_error("send");
    left.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

// Of what came; 0: the peer closed.
Result<size_t> read_some(int fd, ByteVector& buffer) {
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Unexpected(EAGAIN, "the node does not answer; `headgate logs` may say why");
    return errno_error("read");
  }
}

std::string failure_text(const NodeAnswer& answer, const std::string& path) {
  const Json json = Json::object_of(answer.body);
  const std::string error = json.text("error"), advice = json.text("do");
  // The API says what to do; what does not is from before it.
  if (!error.empty() && (!advice.empty() || answer.status != 404))
    return printable(error + (advice.empty() ? "" : ": " + advice));
  if (answer.status == 404 || answer.status == 405 || answer.status == 501)
    return "this node knows no " + path +
           ": it is older than this command; `headgate status` tells its version";
  return "the node answered " + path + " with " + std::to_string(answer.status);
}

}  // namespace

void NodePlace::add_to(tools::Options& options) {
  options
      .text("data", data_, "DIR",
            "the node's data folder, as given to `headgate serve` (default: the service's)")
      .text("runtime-dir", runtime_dir_, "DIR", "if the node was given one");
}

std::string NodePlace::socket() const {
  std::string folder = runtime_dir_;
  const char* runtime = std::getenv("RUNTIME_DIRECTORY");
  if (folder.empty() && runtime) folder = runtime;
  if (folder.empty()) folder = data_.empty() ? kServiceRuntimeDir : data_ + "/run";
  return folder + "/admin.sock";
}

Result<NodeAnswer> NodeClient::request(const char* method, const std::string& path,
                                       const std::string& json) const {
  auto fd = connect_to(socket_, std::strcmp(method, "GET") == 0 ? kTimeoutS : kOrderTimeoutS);
  if (!fd) return Unexpected(fd.error());
  if (auto sent =
          send_request(fd->get(), method, path, "Accept: application/json\r\nConnection: close\r\n", json);
      !sent)
    return Unexpected(sent.error());
  load::HttpResponse response(kMaxNodeAnswer);
  ByteVector buffer(kReadBytes);
  while (!response.done()) {
    auto size = read_some(fd->get(), buffer);
    if (!size) return Unexpected(size.error().code, socket_ + ": " + size.error().message);
    if (*size == 0) {
      if (auto closed = response.closed(); !closed)
        return Unexpected(socket_ + ": " + closed.error().message);
      break;
    }
    if (auto fed = response.feed(Bytes(buffer).first(*size)); !fed)
      return Unexpected(socket_ + ": " + fed.error().message);
  }
  return NodeAnswer{response.status(), response.take_body()};
}

Result<Json> NodeClient::node() const {
  auto answer = get("/api/v1/node");
  if (!answer) return Unexpected(answer.error());
  Json node = Json::object_of(*answer);
  if (!node.is_object()) return Unexpected("the node's answer is not JSON");
  return node;
}

Result<std::string> NodeClient::good(const char* method, const std::string& path,
                                     const std::string& json) const {
  auto answer = request(method, path, json);
  if (!answer) return Unexpected(answer.error());
  if (answer->status / 100 == 2) return std::move(answer->body);
  return Unexpected(answer->status, failure_text(*answer, path));
}

Result<NodeEventStream> NodeEventStream::open(const std::string& socket, const std::string& path,
                                              const std::string& last_id) {
  auto fd = connect_to(socket, kEventTimeoutS);
  if (!fd) return Unexpected(fd.error());
  std::string headers = "Accept: text/event-stream\r\n";
  if (!last_id.empty()) headers += "Last-Event-ID: " + last_id + "\r\n";
  if (auto sent = send_request(fd->get(), "GET", path, headers, ""); !sent) return Unexpected(sent.error());
  NodeEventStream stream(*std::move(fd));
  while (stream.response_.status() == 0)
    if (auto more = stream.read_more(); !more) return Unexpected(more.error());
  const int status = stream.response_.status();
  if (status != 200) {
    while (!stream.response_.done())
      if (!stream.read_more()) break;
    return Unexpected(status, failure_text({status, stream.text_}, path));
  }
  return stream;
}

Result<void> NodeEventStream::read_more() {
  ByteVector buffer(kReadBytes);
  auto size = read_some(fd_.get(), buffer);
  if (!size) return Unexpected(size.error());
  if (*size == 0 || response_.done()) return Unexpected("the node ended its events");
  if (auto fed = response_.feed(Bytes(buffer).first(*size)); !fed) return Unexpected(fed.error());
  if (response_.status() / 100 != 1) text_ += response_.take_body();
  if (text_.size() > kMaxEvent)
    return Unexpected("an event of more than " + std::to_string(kMaxEvent) + " bytes");
  return {};
}

// One line of text_; false: there is no whole one.
bool NodeEventStream::take_line() {
  const size_t end = text_.find('\n');
  if (end == std::string::npos) return false;
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) {
    complete_ = !event_.data.empty();
    if (!complete_) event_ = {};
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == 0) return true;  // a comment
  std::string name = line.substr(0, colon), value = colon == std::string::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.erase(0, 1);
  if (name == "data") event_.data += (event_.data.empty() ? "" : "\n") + value;
  if (name == "event") event_.name = value;
  if (name == "id") event_.id = value;
  return true;
}

Result<NodeEventStream::Event> NodeEventStream::next() {
  for (;;) {
    while (!complete_)
      if (!take_line()) break;
    if (complete_) {
      complete_ = false;
      return std::exchange(event_, {});
    }
    if (auto more = read_more(); !more) return Unexpected(more.error());
  }
}

}  // namespace headgate::cli
