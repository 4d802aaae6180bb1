// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front.h"

#include <common/log.h>
#include <common/utc.h>

namespace headgate::gate {
namespace {

constexpr int64_t kExpiresSoonSeconds = 14 * 24 * 3600;

Result<void> read_networks(const std::string& option, const std::string& networks,
                           ingest::AddressFilter& filter) {
  if (networks.empty()) return {};
  auto list = ingest::AddressList::of_networks(networks);
  if (!list) return Unexpected("--" + option + ": " + list.error().message);
  filter.replace(*std::move(list));
  return {};
}

}  // namespace

Front::Front(const Clock& clock, FrontSettings settings) : clock_(clock), settings_(std::move(settings)) {}

Result<void> Front::load() {
  if (settings_.tls_certificate.empty() != settings_.tls_key.empty())
    return Unexpected("--tls-cert and --tls-key are needed together");
  if (auto read = read_networks("rtmp-proxies", settings_.rtmp_proxies, rtmp_proxies_); !read) return read;
  if (auto read = read_networks("rtmps-proxies", settings_.rtmps_proxies, rtmps_proxies_); !read) return read;
  if (!settings_.addresses.empty())
    if (auto read = addresses_.load(settings_.addresses); !read) return read;
  if (settings_.tls_certificate.empty()) return {};
  certificates_.emplace(clock_, settings_.tls_certificate, settings_.tls_key);
  if (auto read = certificates_->load(); !read) return read;
  tell_expiry();
  relays_.emplace();
  return {};
}

void Front::reload(bool always) {
  auto addresses = addresses_.reload(always);
  if (!addresses)
    tools::log_error("the address list stays what it was: " + addresses.error().message);
  else if (*addresses)
    tools::log_notice("read the address list again", {{"FILE", settings_.addresses}});
  if (!certificates_) return;
  auto certificates = certificates_->reload(always);
  if (!certificates)
    tools::log_error("the certificate stays what it was: " + certificates.error().message);
  else if (*certificates)
    tell_expiry();
}

void Front::tell_expiry() const {
  const int64_t expires = certificates_->expires();
  const bool soon = expires - clock_.utc_seconds() < kExpiresSoonSeconds;
  tools::log(soon ? tools::Level::warning : tools::Level::notice,
             soon ? "read a certificate that expires soon" : "read the certificate",
             {{"FILE", settings_.tls_certificate}, {"EXPIRES", tools::utc_text(expires * 1'000'000)}});
}

Result<ingest::PortSettings> Front::port(std::string_view name) const {
  ingest::PortSettings out;
  out.addresses = &addresses_;
  if (name == "rtmp") {
    if (!settings_.rtmp_proxies.empty()) out.proxies = &rtmp_proxies_;
    return out;
  }
  if (name != "rtmps") return Unexpected("there is no port named '" + std::string(name) + "'");
  if (!certificates_) return Unexpected("a port for RTMPS needs --tls-cert and --tls-key");
  if (!settings_.rtmps_proxies.empty()) out.proxies = &rtmps_proxies_;
  out.certificates = &*certificates_;
  out.relays = &*relays_;
  return out;
}

}  // namespace headgate::gate
