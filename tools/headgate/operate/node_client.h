// SPDX-License-Identifier: LGPL-2.1-or-later
// The one way in which commands talk to a node: HTTP (docs/api.md) at the Unix socket that only the node's
// own user can open. Calls block: for an answer at most 5 s, to an order 20.
#pragma once

#include <load/http_response.h>

#include <string>

#include <base/json.h>
#include <base/result.h>
#include <base/unique_fd.h>
#include <common/options.h>

namespace headgate::cli {

inline constexpr size_t kMaxNodeAnswer = 256 << 20;  // 12,000 streams have about 20 MB

// Which node: the options --data and --runtime-dir of every command that asks one.
class NodePlace {
 public:
  void add_to(tools::Options& options);
  // After parsing. Without options the service's: $RUNTIME_DIRECTORY, then /run/headgate.
  std::string socket() const;
  bool given() const { return !data_.empty() || !runtime_dir_.empty(); }

 private:
  std::string data_, runtime_dir_;
};

struct NodeAnswer {
  int status = 0;
  std::string body;
};

class NodeClient {
 public:
  explicit NodeClient(std::string socket) : socket_(std::move(socket)) {}

  // Any answer; the error is that of having none, and says what to do.
  Result<NodeAnswer> request(const char* method, const std::string& path, const std::string& json = "") const;
  // NODE of docs/api.md.
  Result<Json> node() const;
  // What a 2xx answer has; of others their own `error` and `do`.
  Result<std::string> get(const std::string& path) const { return good("GET", path, ""); }
  Result<std::string> good(const char* method, const std::string& path, const std::string& json) const;

 private:
  std::string socket_;
};

// Server-sent events (WHATWG HTML 9.2) of a node, one after the other.
class NodeEventStream {
 public:
  struct Event {
    std::string id, name, data;
  };
  // `last_id`: only what came after it; empty: from now on.
  static Result<NodeEventStream> open(const std::string& socket, const std::string& path,
                                      const std::string& last_id);
  // Blocks until there is one. The error is that of a stream that ended.
  Result<Event> next();

 private:
  explicit NodeEventStream(UniqueFd fd) : fd_(std::move(fd)), response_(kMaxEvent) {}
  static constexpr size_t kMaxEvent = 1 << 20;
  Result<void> read_more();
  bool take_line();

  UniqueFd fd_;
  load::HttpResponse response_;
  std::string text_;  // received, not looked at
  Event event_;       // as far as its lines have come
  bool complete_ = false;
};

}  // namespace headgate::cli
