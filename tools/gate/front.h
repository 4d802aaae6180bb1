// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands before the protocols on the gate's ports, and the files that it comes from: who may connect,
// which proxies say who it is, and the certificate of TLS ports. In the loop's thread, but for what
// addresses() gives.
#pragma once

#include <base/clock.h>
#include <ingest/address_list.h>
#include <ingest/certificates.h>
#include <ingest/listener.h>
#include <ingest/relays.h>

#include <optional>
#include <string>
#include <string_view>

namespace headgate::gate {

struct FrontSettings {
  std::string addresses;                    // file; empty: everybody may connect
  std::string addresses_kept;               // file for a copy of the last right one
  std::string rtmp_proxies, rtmps_proxies;  // networks with commas between; empty: no PROXY headers
  std::string tls_certificate, tls_key;     // files; both or none
};

class Front {
 public:
  Front(const Clock& clock, FrontSettings settings);

  // Whether options and files are right; reads them for that. The error says which is not. A certificate
  // whose time is over or has not come is no error, but logged as one.
  Result<void> check();
  // Before anything else. An error is an option's. Files that are wrong now keep no gate from starting, and
  // are logged: instead of the address list its last right one is taken, and without one nobody may connect;
  // without a certificate the port for RTMPS closes each connection.
  Result<void> load();
  // Reads files that are others than before, those that were wrong in load(), or all of them, if `always`,
  // and logs what came of it. What is wrong changes nothing.
  void reload(bool always);

  // Of a port of that name: "rtmp", "rtmps". An error: there is no such port, or it has no certificate.
  Result<ingest::PortSettings> port(std::string_view name) const;
  const ingest::AddressFilter& addresses() const { return addresses_; }  // may be asked in any thread
  size_t relayed() const { return relays_ ? relays_->connections() : 0; }
  int64_t certificate_expires() const { return certificates_ ? certificates_->expires() : 0; }  // 0: none

 private:
  Result<void> read_options();
  void take_kept_addresses(const std::string& why);
  void keep_addresses() const;
  void tell_expiry() const;

  const Clock& clock_;
  FrontSettings settings_;
  ingest::AddressFilter addresses_{true}, rtmp_proxies_{false}, rtmps_proxies_{false};
  bool addresses_wrong_ = false;                   // in load() and since
  std::string addresses_told_, certificate_told_;  // of what was wrong in load()
  std::optional<ingest::Certificates> certificates_;
  mutable std::optional<ingest::Relays> relays_;
};

}  // namespace headgate::gate
