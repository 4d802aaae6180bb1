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

Result<void> Front::read_options() {
  if (settings_.tls_certificate.empty() != settings_.tls_key.empty())
    return Unexpected("--tls-cert and --tls-key are needed together");
  if (auto read = read_networks("rtmp-proxies", settings_.rtmp_proxies, rtmp_proxies_); !read) return read;
  if (auto read = read_networks("rtmps-proxies", settings_.rtmps_proxies, rtmps_proxies_); !read) return read;
  if (!settings_.tls_certificate.empty())
    certificates_.emplace(clock_, settings_.tls_certificate, settings_.tls_key);
  return {};
}

Result<void> Front::check() {
  if (auto read = read_options(); !read) return read;
  if (!settings_.addresses.empty())
    if (auto read = addresses_.load(settings_.addresses); !read) return read;
  if (!certificates_) return {};
  if (auto read = certificates_->load(); !read) return read;
  tell_expiry();
  return {};
}

Result<void> Front::load() {
  if (auto read = read_options(); !read) return read;
  if (!settings_.addresses.empty()) {
    if (auto read = addresses_.load(settings_.addresses); !read)
      take_kept_addresses(read.error().message);
    else
      keep_addresses();
  }
  if (!certificates_) return {};
  relays_.emplace();
  if (auto read = certificates_->load(); read) {
    tell_expiry();
  } else {
    certificate_told_ = read.error().message;
    tools::log_error("RTMPS is closed for want of a certificate: " + certificate_told_);
  }
  return {};
}

void Front::take_kept_addresses(const std::string& why) {
  addresses_wrong_ = true;
  addresses_told_ = why;
  if (auto kept = addresses_.load_kept(settings_.addresses_kept)) {
    tools::log_error("the address list is the last right one: " + why);
    return;
  }
  addresses_.replace(*ingest::AddressList::parse("deny all"));
  tools::log_error("nobody may connect for want of an address list: " + why);
}

void Front::keep_addresses() const {
  if (auto kept = addresses_.keep(settings_.addresses_kept); !kept)
    tools::log_warning("no copy of the address list: " + kept.error().message);
}

void Front::reload(bool always) {
  // What was wrong from the beginning is tried each time, and told once.
  auto addresses = addresses_.reload(always || addresses_wrong_);
  if (!addresses) {
    if (always || !addresses_wrong_ || addresses.error().message != addresses_told_)
      tools::log_error("the address list stays what it was: " + addresses.error().message);
    addresses_told_ = addresses.error().message;
  } else if (*addresses) {
    addresses_wrong_ = false;
    tools::log_notice("read the address list again", {{"FILE", settings_.addresses}});
    keep_addresses();
  }
  if (!certificates_) return;
  const bool none = !certificates_->context();
  auto certificates = certificates_->reload(always || none);
  if (!certificates) {
    if (always || !none || certificates.error().message != certificate_told_)
      tools::log_error("the certificate stays what it was: " + certificates.error().message);
    certificate_told_ = certificates.error().message;
  } else if (*certificates) {
    tell_expiry();
  }
}

void Front::tell_expiry() const {
  const int64_t expires = certificates_->expires();
  const std::string complaint = certificates_->complaint();
  const bool soon = expires - clock_.utc_seconds() < kExpiresSoonSeconds;
  tools::Level level = soon ? tools::Level::warning : tools::Level::notice;
  std::string text = soon ? "read a certificate that expires soon" : "read the certificate";
  if (!complaint.empty()) {
    level = tools::Level::error;
    text += ", but: " + complaint;
  }
  tools::log(level, text,
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
