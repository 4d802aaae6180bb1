// SPDX-License-Identifier: LGPL-2.1-or-later
// What RTMPS shows: read as the gate reads it, then looked at as a publisher's program will.
#include <ingest/certificates.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <ctime>
#include <memory>
#include <system_error>

#include "address.h"
#include "checks.h"

namespace headgate::preflight {
namespace {

constexpr int64_t kDay = 86'400, kSoon = 14 * kDay;

std::string date_text(int64_t seconds) {
  std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

struct StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
struct StoreContextFree {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

// Empty: it leads to a root that this machine trusts.
std::string chain_fault(SSL_CTX* tls, X509* own) {
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(tls, &chain);
  std::unique_ptr<X509_STORE, StoreFree> store(X509_STORE_new());
  std::unique_ptr<X509_STORE_CTX, StoreContextFree> context(X509_STORE_CTX_new());
  if (!store || !context || X509_STORE_set_default_paths(store.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), own, chain) != 1)
    return "it could not be checked";
  // The dates are looked at by themselves.
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(context.get()) == 1) return "";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

bool names(X509* own, const std::string& host) {
  if (is_numeric(host)) return X509_check_ip_asc(own, host.c_str(), 0) == 1;
  return X509_check_host(own, host.c_str(), host.size(), 0, nullptr) == 1;
}

void look_at_dates(const Context& context, X509* own, Outcome& out) {
  const int64_t begins = seconds_of(X509_get0_notBefore(own)), ends = seconds_of(X509_get0_notAfter(own));
  const int64_t now = context.machine.utc_s();
  out.measured = context.config.tls_certificate + ", until " + date_text(ends);
  const char* renew = "renew it (docs/install.md has certbot's deploy hook)";
  if (now > ends)
    out.fail("the certificate has expired on " + date_text(ends), renew);
  else if (now < begins)
    out.fail("the certificate is not valid before " + date_text(begins),
             "is the clock right? else take another one");
  else if (context.plan.ends() > ends)
    out.fail("the certificate expires on " + date_text(ends) + ", before the plan ends", renew);
  else if (now + kSoon > ends)
    out.warn("the certificate expires on " + date_text(ends), renew);
}

}  // namespace

Outcome check_certificate(Context& context) {
  const serve::Config& config = context.config;
  if (config.rtmps.empty()) return Outcome::skip("no --rtmps");
  Outcome out;
  out.measured = config.tls_certificate;
  for (const std::string& path : {config.tls_certificate, config.tls_key})
    if (int error = access_as(context.account, path, R_OK); error != 0)
      return out.fail(path + ": " + std::generic_category().message(error),
                      "let the service's user read it (docs/install.md, \"The service\")");
  ingest::Certificates certificates(system_clock(), config.tls_certificate, config.tls_key);
  if (auto loaded = certificates.load(); !loaded)
    return out.fail(loaded.error().message,
                    "give the chain, the server's own first, and the key that fits it");
  const auto tls = certificates.context();
  X509* own = SSL_CTX_get0_certificate(tls.get());
  look_at_dates(context, own, out);
  if (std::string fault = chain_fault(tls.get(), own); !fault.empty())
    out.warn(
        "programs that check certificates will refuse it: " + fault,
        "give the whole chain of a certificate that a known authority has signed; the pin of a ticket or a "
        "setting of the publishers may do as well");
  // What is wrong with the list is the ports' to tell.
  auto endpoints = parse_endpoints(config.endpoints);
  auto listening = parse_host_port(config.rtmps);
  for (const HostPort& one : endpoints ? *endpoints : std::vector<HostPort>())
    if (listening && one.port == listening->port && !names(own, one.host))
      out.fail("the certificate does not name " + one.host + ", where publishers connect",
               "get one for that name, or correct --endpoints");
  ERR_clear_error();
  return out;
}

}  // namespace headgate::preflight
