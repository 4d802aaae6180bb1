// SPDX-License-Identifier: LGPL-2.1-or-later
// What the node admits by: keys, and which addresses may connect.
#include <base/io.h>
#include <ingest/address_list.h>
#include <sys/stat.h>
#include <ticket/keys.h>
#include <ticket/revoked.h>
#include <ticket/verifier.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <store/reader.h>

#include "checks.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// A master key opens every ticket of the event: nobody else reads it.
void look_at_modes(const Context& context, Outcome& out) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(context.config.keys, error)) {
    const std::string path = entry.path().string();
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (int denied = access_as(context.account, path, R_OK); denied != 0) {
      out.fail(path + ": " + reason(denied), "let the service's user read it: chgrp headgate, chmod 0640");
    } else if (entry.path().extension() == ".key" && (status.st_mode & S_IRWXO) != 0) {
      char mode[16];
      std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode) & 07777U);
      out.fail("everybody on this machine may read " + path + " (mode " + mode + ")", "chmod o= " + path);
    }
  }
}

// Others than those of the folder: the gate has refused these, or has not looked yet.
void look_at_the_gates(const Context& context, const ticket::NodeKeys& keys, Outcome& out) {
  if (!context.node || context.node->keys_digest.empty() ||
      context.node->keys_digest == ticket::digest_of(keys))
    return;
  const std::string& problem = context.node->keys_problem;
  out.fail("the node that runs lets in by other keys than these: " + context.node->kids +
               (problem.empty() ? "" : " (" + problem + ")"),
           problem.empty() ? "it looks at the folder each second: ask again, or see its log"
                           : "put the folder in order; those of another event need a restart");
}

}  // namespace

Outcome check_keys(Context& context) {
  const std::string& folder = context.config.keys;
  Outcome out;
  out.measured = folder;
  if (int denied = access_as(context.account, folder, R_OK | X_OK); denied != 0)
    return out.fail(folder + ": " + reason(denied),
                    "give the node node/ of what `headgate ticket keygen` wrote");
  auto keys = ticket::load_node_keys(folder);
  if (!keys)
    return out.fail(keys.error().message, "give the node node/ of what `headgate ticket keygen` wrote");
  context.config.event = keys->event;
  std::string kids;
  for (const auto& [kid, key] : keys->issuers) {
    kids += (kids.empty() ? "" : ", ") + std::to_string(kid);
    if (keys->masters.count(kid) == 0)
      out.fail("issuer key " + std::to_string(kid) + " has no master key beside it: its tickets are refused",
               "copy master-REGION-" + std::to_string(kid) + ".key of this node's region");
  }
  out.measured = "event " + std::to_string(keys->event) + ", keys " + kids;
  look_at_modes(context, out);
  if (const std::string& file = context.config.open_secret; !file.empty())
    out.warn("everybody on this machine may read " + file + ", and secrets are in it", "chmod o= " + file);
  look_at_the_gates(context, *keys, out);
  if (ticket::holds_issuer_secret(folder))
    out.warn("an issuer's secret key lies in " + folder + ": whoever takes this node can make tickets",
             "remove issuer-*.key from it; a node needs node/ alone");
  const auto recorded = store::list_events(context.config.data);
  if (!recorded.empty() && std::find(recorded.begin(), recorded.end(), keys->event) == recorded.end())
    out.warn("the archive has event " + std::to_string(recorded.back()) + " and none of event " +
                 std::to_string(keys->event),
             "right on the first day of a new event; else these are the keys of another one");
  return out;
}

Outcome check_addresses(Context& context) {
  const serve::Config& config = context.config;
  Outcome out;
  for (const auto& [option, networks] : {std::pair("--rtmp-proxies", config.rtmp_proxies),
                                         std::pair("--rtmps-proxies", config.rtmps_proxies)}) {
    if (networks.empty()) continue;
    auto list = ingest::AddressList::of_networks(networks);
    if (!list) out.fail(std::string(option) + ": " + list.error().message, "give networks: 10.0.0.0/8,::1");
  }
  if (!config.revoked.empty()) {
    const auto list = ticket::load_revoked(config.revoked);
    if (int denied = access_as(context.account, config.revoked, R_OK); list && denied != 0)
      out.fail(config.revoked + ": " + reason(denied), "let the service's user read it");
    else if (!list)
      out.fail(list.error().message, "the ids of `headgate ticket show`, one in each line");
  }
  if (config.addresses.empty()) {
    out.measured = "every address may publish";
    return out;
  }
  out.measured = config.addresses;
  if (int denied = access_as(context.account, config.addresses, R_OK); denied != 0)
    return out.fail(config.addresses + ": " + reason(denied), "let the service's user read it");
  auto text = read_file(config.addresses, ingest::AddressList::kMaxFileBytes);
  if (!text) return out.fail(text.error().message, "name a file that is there");
  auto list = ingest::AddressList::parse(as_text(*text));
  if (!list) return out.fail(config.addresses + ": " + list.error().message, "correct that line");
  out.measured += ": " + std::to_string(list->size()) + " rules";
  if (list->size() == 0) out.warn("the list of addresses is empty", "leave --addresses out, or add rules");
  return out;
}

}  // namespace headgate::preflight
