// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_keys.h"

#include <base/encoding.h>
#include <base/io.h>
#include <ticket/keys.h>
#include <ticket/verifier.h>
#include <unistd.h>

#include <charconv>
#include <optional>

#include "node_file.h"

namespace headgate::serve {
namespace {

constexpr size_t kMaxFileBytes = 16;

std::string event_file(const Config& config) {
  return config.runtime_dir + "/event";
}

std::optional<uint32_t> kept_event(const Config& config) {
  const auto content = read_file(event_file(config), kMaxFileBytes);
  if (!content) return std::nullopt;
  const std::string_view text = as_text(*content);
  uint32_t event = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), event);
  if (error != std::errc() || std::string_view(end, text.data() + text.size()) != "\n") return std::nullopt;
  return event;
}

}  // namespace

Result<void> take_keys(Config& config) {
  config.issuer_secret = ticket::holds_issuer_secret(config.keys);
  const auto keys = ticket::load_node_keys(config.keys);
  const auto kept = keys || config.check ? std::nullopt : kept_event(config);
  if (!keys && !kept) return Unexpected(keys.error());
  config.event = keys ? keys->event : *kept;
  config.keys_problem = keys ? "" : keys.error().message;
  return {};
}

Result<void> keep_event(const Config& config) {
  return write_node_file(event_file(config), std::to_string(config.event) + "\n");
}

void forget_event(const Config& config) {
  ::unlink(event_file(config).c_str());
}

}  // namespace headgate::serve
