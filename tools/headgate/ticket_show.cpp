// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/options.h>

#include <algorithm>
#include <cstdio>

#include <base/clock.h>
#include <base/encoding.h>
#include <ticket/keys.h>
#include <ticket/secret.h>
#include <ticket/verifier.h>

#include "commands.h"
#include "ticket.h"
#include "time_argument.h"

namespace headgate::cli {
namespace {

using ticket::Ticket;

// What TEXT held: a wire token alone, or all of a QR code.
struct Shown {
  Ticket ticket;
  std::optional<ticket::QrTicket> code;
  ticket::QrHead head;
};

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  size_t from = text.find_first_not_of(kSpace);
  return from == text.npos ? "" : text.substr(from, text.find_last_not_of(kSpace) - from + 1);
}

// No QR text is without the '.' of "LT1.", and no wire token has one.
bool is_qr_text(const std::string& text) {
  return text.find('.') != text.npos;
}

Result<Shown> read_qr(const std::string& text, const ticket::FleetKeys& fleet_keys) {
  auto blob = ticket::parse_qr_text(text);
  if (!blob) return Unexpected(blob.error());
  auto head = ticket::read_qr_head(*blob);
  if (!head) return Unexpected(head.error());
  auto code = ticket::open_qr(*blob, fleet_keys);
  if (!code) return Unexpected(code.error());
  return Shown{code->ticket, *code, *head};
}

Result<Shown> read_wire(const std::string& text) {
  auto ticket = ticket::parse_wire(text);
  if (!ticket) return Unexpected(ticket.error());
  return Shown{*ticket, std::nullopt, {}};
}

void line(const char* label, const std::string& text) {
  std::printf("  %-12s %s\n", label, text.c_str());
}

std::string validity(const Ticket& ticket, int64_t now) {
  std::string text = utc_text(ticket.not_before) + " until " + utc_text(ticket.expires);
  if (now < ticket.not_before) return text + " (starts in " + about_text(ticket.not_before - now) + ")";
  if (now > ticket.expires) return text + " (ended " + about_text(now - ticket.expires) + " ago)";
  return text + " (ends in " + about_text(ticket.expires - now) + ")";
}

std::string join(const std::vector<std::string>& words, const char* none) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? none : out;
}

std::string rights(const Ticket& ticket) {
  std::vector<std::string> words;
  if (ticket.flags & ticket::kFlagChallengePlain) words.emplace_back("RTMP without TLS by challenge");
  if (ticket.flags & ticket::kFlagBearerOverTls) words.emplace_back("secret as stream key over TLS");
  if (ticket.flags & ticket::kFlagDeviceUpload) words.emplace_back("upload of the device's files");
  if (ticket.flags & ticket::kFlagRehearsal) words.emplace_back("rehearsal only");
  return join(words, "none beyond SRT");
}

std::string codecs(const Ticket& ticket) {
  constexpr struct {
    uint16_t bit;
    const char* name;
  } kNames[] = {{ticket::kH264, "H.264"},
                {ticket::kH265, "H.265"},
                {ticket::kAv1, "AV1"},
                {ticket::kAac, "AAC"},
                {ticket::kOpus, "Opus"}};
  std::vector<std::string> words;
  for (const auto& [bit, name] : kNames)
    if (ticket.codecs & bit) words.emplace_back(name);
  return join(words, "none");
}

std::string takeover(const Ticket& ticket) {
  constexpr const char* kPolicies[] = {"never: bound to the first device", "after the holder's silence",
                                       "after the holder's silence; a contender is recorded"};
  return kPolicies[ticket.takeover_policy()];  // parse_wire refuses 3
}

void print_words(const Shown& shown, int64_t now) {
  const Ticket& ticket = shown.ticket;
  std::string name = shown.code ? shown.code->hints.label : "";
  std::printf("Ticket for station %u%s%s of event %u\n", ticket.station, name.empty() ? "" : ", ",
              name.c_str(), ticket.event);
  line("Valid", validity(ticket, now));
  line("Rights", rights(ticket));
  line("Codecs", codecs(ticket));
  line("Bit rate",
       ticket.max_kbps ? "at most " + std::to_string(ticket.max_kbps) + " kbit/s" : "the event's");
  line("Sessions", "at most " + std::to_string(ticket.max_sessions()) + " at a time");
  line("Takeover", takeover(ticket));
  line("Ticket id", to_hex(ticket.tid));
  line("Issuer key", std::to_string(ticket.kid));
  if (!shown.code) return;
  for (const ticket::Endpoint& endpoint : shown.code->hints.endpoints)
    line("Endpoint", std::string(scheme_of(endpoint.protocol)) + "://" + authority_of(endpoint));
  line("QR code", shown.head.seal == ticket::Seal::kFleet
                      ? "sealed with fleet key " + std::to_string(shown.head.fleet)
                      : "not sealed: anybody can read it");
}

// As a node would decide while the ticket runs: a ticket printed for tomorrow is no bad one.
Result<void> check(const Shown& shown, const ticket::Verifier& verifier, int64_t now) {
  auto verified = verifier.verify(shown.ticket.wire_text(), std::max<int64_t>(now, shown.ticket.not_before));
  if (!verified) return Unexpected(verified.error());
  auto seed = verifier.seed_of(*verified);
  if (shown.code && (!seed || !ticket::same_secret(*seed, shown.code->seed)))
    return Unexpected("FOREIGN-REGION: the secret does not come from this folder's master key");
  return {};
}

}  // namespace

int run_ticket_show(int argc, char** argv) {
  const char* program = argv[0];
  std::string keys;
  tools::Options options("TEXT - explain a ticket in words and check it", "",
                         "TEXT is what a QR code reads as, in capitals or not, spaces or not, or the 160 "
                         "characters of a stream\n"
                         "key. Exit code: 0 the ticket is good, 1 it is bad or over, 2 wrong usage.");
  options.text("keys", keys, "DIR", "the event's keys, or a node's: check the signature, open sealed codes");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, program, rest.error().message);
  if (rest->size() != 1)
    return complain(2, program, rest->empty() ? "TEXT is missing" : "one TEXT at a time");

  std::optional<ticket::Verifier> verifier;
  ticket::FleetKeys fleet_keys;
  if (!keys.empty()) {
    auto node_keys = ticket::load_node_keys(keys);
    if (!node_keys) return complain(2, program, node_keys.error().message);
    auto fleet = ticket::load_fleet_keys(keys);
    if (!fleet) return complain(2, program, fleet.error().message);
    verifier.emplace(std::move(*node_keys));
    fleet_keys = std::move(*fleet);
  }
  std::string text = trimmed(rest->front());
  if (text.starts_with("rtmp") || text.starts_with("srt:"))
    return complain(
        1, program,
        "this is a publishing address: give its stream key alone, the 160 characters behind the last / "
        "(SRT: behind u=)");
  auto shown = is_qr_text(text) ? read_qr(text, fleet_keys) : read_wire(text);
  if (!shown)
    return complain(shown.error().message.starts_with("SEALED") ? 2 : 1, program, shown.error().message);

  int64_t now = system_clock().utc_seconds();
  print_words(*shown, now);
  if (!verifier) {
    line("Signature", "not checked: no --keys");
    if (now <= int64_t{shown->ticket.expires} + ticket::kGraceSeconds) return 0;
    return complain(1, program, "EXPIRED: this ticket ended " + utc_text(shown->ticket.expires));
  }
  auto good = check(*shown, *verifier, now);
  if (!good) return complain(1, program, good.error().message);
  line("Signature", "good");
  return 0;
}

}  // namespace headgate::cli
