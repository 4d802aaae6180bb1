// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ingest/certificates.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ingest_support.h"
#include "tls_client.h"

namespace headgate::ingest::test {
namespace {

class CertificatesTest : public testing::Test {
 protected:
  CertificateFiles write(const std::string& name, int64_t begins = kNow - 3600, int64_t ends = kNow + 3600,
                         EVP_PKEY* other_key = nullptr) {
    return write_certificate(folder_.path, name, begins, ends, other_key);
  }
  static void append(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text;
  }
  // What load() says of the files as they are.
  std::string error() {
    Certificates fresh(clock_, folder_.path + "/cert.pem", folder_.path + "/key.pem");
    auto loaded = fresh.load();
    EXPECT_EQ(loaded.has_value(), fresh.context() != nullptr);
    return loaded ? "" : loaded.error().message;
  }

  TemporaryFolder folder_;
  ManualClock clock_{kNow * 1'000'000, 0};
};

TEST_F(CertificatesTest, WhatIsRefused) {
  const std::string cert = folder_.path + "/cert.pem", key = folder_.path + "/key.pem";
  EXPECT_TRUE(error().starts_with("open " + cert)) << error();
  write("a");
  EXPECT_EQ(error(), "");
  std::filesystem::remove(key);
  EXPECT_TRUE(error().starts_with("open " + key)) << error();
  KeyPtr other = new_key();
  write("a", kNow - 1, kNow + 1, other.get());
  EXPECT_TRUE(error().starts_with(key + ": not the certificate's key")) << error();
  write("a");
  std::ofstream(cert) << "nothing of use\n";
  EXPECT_TRUE(error().starts_with(cert + ": no certificate in PEM form")) << error();
  write("a");
  append(cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_TRUE(error().starts_with(cert + ": a certificate of the chain does not parse")) << error();
  write("a");
  std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(key.c_str(), "w"), std::fclose);
  char passphrase[] = "secret";
  PEM_write_PrivateKey(file.get(), other.get(), EVP_aes_128_cbc(),
                       reinterpret_cast<unsigned char*>(passphrase), 6, nullptr, nullptr);
  file.reset();
  EXPECT_TRUE(error().starts_with(key + ": no private key in PEM form without a passphrase")) << error();
}

TEST_F(CertificatesTest, AnUntimelyOneIsBetterThanNoneOnly) {
  CertificateFiles files = write("a", kNow - 7200, kNow - 1);
  Certificates expired(clock_, files.certificate, files.key);
  ASSERT_TRUE(expired.load());
  EXPECT_NE(expired.context(), nullptr);
  EXPECT_EQ(expired.complaint(), "the certificate has expired");
  write("a", kNow + 1, kNow + 3600);
  auto refused = expired.reload();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, files.certificate + ": the certificate's time has not come");
  Certificates early(clock_, files.certificate, files.key);
  ASSERT_TRUE(early.load());
  EXPECT_EQ(early.complaint(), "the certificate's time has not come");
  clock_.advance_us(2'000'000);
  EXPECT_EQ(early.complaint(), "");
}

TEST_F(CertificatesTest, AChainIsSent) {
  write("issuer");
  std::ifstream in(folder_.path + "/cert.pem");
  const std::string issuer{std::istreambuf_iterator<char>(in), {}};
  write("own");
  append(folder_.path + "/cert.pem", "comments are allowed\n" + issuer);
  Certificates certificates(clock_, folder_.path + "/cert.pem", folder_.path + "/key.pem");
  ASSERT_TRUE(certificates.load());
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(certificates.context().get(), &chain);
  EXPECT_EQ(sk_X509_num(chain), 1);
  EXPECT_EQ(certificates.expires(), kNow + 3600);
}

TEST_F(CertificatesTest, ABadPairLeavesTheOldOneAndIsToldOnce) {
  CertificateFiles files = write("first");
  Certificates certificates(clock_, files.certificate, files.key);
  ASSERT_TRUE(certificates.load());
  const auto first = certificates.context();
  EXPECT_FALSE(certificates.reload().value());
  KeyPtr other = new_key();
  write("second", kNow - 1, kNow + 7200, other.get());
  EXPECT_FALSE(certificates.reload());
  EXPECT_FALSE(certificates.reload().value());
  EXPECT_EQ(certificates.context(), first);
  EXPECT_EQ(certificates.expires(), kNow + 3600);
  write("third", kNow - 1, kNow + 7200);
  EXPECT_TRUE(certificates.reload().value());
  EXPECT_NE(certificates.context(), first);
  EXPECT_EQ(certificates.expires(), kNow + 7200);
  const auto third = certificates.context();
  EXPECT_TRUE(certificates.reload(true).value());
  EXPECT_NE(certificates.context(), third) << "read because it was asked for";
  // One that expires stays in force: it is not worse than none.
  clock_.advance_us(int64_t{7300} * 1'000'000);
  EXPECT_FALSE(certificates.reload(true));
  EXPECT_NE(certificates.context(), nullptr);
}

}  // namespace
}  // namespace headgate::ingest::test
