// SPDX-License-Identifier: LGPL-2.1-or-later
#include "private_node.h"

#include <base/io.h>
#include <common/siblings.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <system_error>

#include <base/clock.h>

namespace headgate::preflight {
namespace {

constexpr int64_t kStartMs = 60'000, kStopMs = 10'000, kLookMs = 50;
constexpr char kAnyPort[] = "127.0.0.1:0";

std::vector<std::string> words_of(const Context& context, const std::string& program,
                                  const std::string& runtime, const std::string& root,
                                  const std::string& keys) {
  const serve::Config& config = context.config;
  std::vector<std::string> out{program,       "serve",         "--data", root,         "--keys",
                               keys,          "--runtime-dir", runtime,  "--node",     config.node,
                               "--rtmp",      kAnyPort,        "--http", kAnyPort,     "--workers",
                               "1",           "--max-workers", "1",      "--pipeline", config.pipeline,
                               "--pipelines", config.pipelines};
  if (!config.rtmps.empty() && !context.failed("certificate"))
    out.insert(out.end(),
               {"--rtmps", kAnyPort, "--tls-cert", config.tls_certificate, "--tls-key", config.tls_key});
  if (!config.srt.empty())
    out.insert(out.end(), {"--srt", kAnyPort, "--srt-latency", std::to_string(config.srt_latency_ms)});
  return out;
}

// "ready rtmp=127.0.0.1:40123 http=…"
std::map<std::string, std::string> addresses_in(const std::string& output) {
  std::map<std::string, std::string> out;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("ready ")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;)
      if (const size_t equals = word.find('='); equals != std::string::npos)
        out[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return out;
}

}  // namespace

Result<void> give_to(const std::optional<Account>& account, const std::string& folder) {
  if (!account) return {};
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
    if (::lchown(entry.path().c_str(), account->uid, account->gid) != 0)
      return errno_error("chown " + entry.path().string());
  return {};
}

Result<PrivateNode> PrivateNode::start(const Context& context, const Scratch& scratch,
                                       const std::string& keys) {
  auto program = tools::find_program("headgate");
  if (!program) return Unexpected(program.error());
  // Sockets have short names.
  auto runtime = Scratch::make(std::filesystem::temp_directory_path().string(), context.account);
  if (!runtime) return Unexpected(runtime.error());
  const std::string root = scratch.path() + "/data";
  // Its processes outlive the supervisor, did that have to be killed.
  if (auto adopting = adopt_orphans(); !adopting) return Unexpected(adopting.error());
  const std::set<pid_t> others = children();
  auto started = Program::start({.words = words_of(context, *program, runtime->path(), root, keys),
                                 .secret = set_options(context.config.parameters),
                                 .account = context.account});
  if (!started) return Unexpected(started.error());
  PrivateNode out(*std::move(started), *std::move(runtime), root, others);
  const int64_t until_us = system_clock().mono_us() + kStartMs * 1000;
  while (out.listen_.empty()) {
    const bool ended = out.program_.wait(kLookMs);
    out.listen_ = addresses_in(out.program_.output());
    if (interrupted()) return Unexpected("interrupted");
    if (ended) return Unexpected("a node with these settings does not start: " + out.program_.last_error());
    if (system_clock().mono_us() > until_us)
      return Unexpected("a node with these settings does not serve within " +
                        std::to_string(kStartMs / 1000) + " s");
  }
  return out;
}

PrivateNode::~PrivateNode() {
  if (!others_) return;
  program_.stop(kStopMs);
  end_children_but(*others_);
}

}  // namespace headgate::preflight
