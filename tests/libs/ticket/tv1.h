// SPDX-License-Identifier: LGPL-2.1-or-later
// Test vector TV1 of docs/tickets.md.
#pragma once

#include <algorithm>
#include <string_view>

#include <base/encoding.h>
#include <ticket/issuer.h>
#include <ticket/verifier.h>

namespace headgate::ticket::tv1 {

inline constexpr std::string_view kIssuerSeed =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
inline constexpr std::string_view kIssuerPublic =
    "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
inline constexpr std::string_view kMaster =
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
inline constexpr std::string_view kFleetKey =
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
inline constexpr std::string_view kTid = "00112233445566778899aabbccddeeff";
inline constexpr std::string_view kHints =
    "01220f696e2e766f74652e6578616d706c650123280261310123280262320201bb02633302135053203034323120"
    "5363686f6f6c204e6f2035";
inline constexpr std::string_view kWire =
    "010100112233445566778899aabbccddeeff0000004d000001a56aa78d606aaa3060004207d00103547416f43c8dfc0941616ea2"
    "5472fda9a8ed6cd06433ead724c0375b1b9701484e0c803ba0f3bbe2977359c9cdc88cda046d0ea90170235ac9f6d7c150e6e141"
    "a8213abbda3cd0d9863571e2249ed302";
inline constexpr std::string_view kWireText =
    "AQEAESIzRFVmd4iZqrvM3e7_AAAATQAAAaVqp41gaqowYABCB9ABA1R0FvQ8jfwJQWFuolRy_amo7WzQZDPq1yTAN1sblwFITgyAO6Dz"
    "u-KXc1nJzciM2gRtDqkBcCNayfbXwVDm4UGoITq72jzQ2YY1ceIkntMC";
inline constexpr std::string_view kSeed = "4d309e44b286478a2e60bac46b036088";
inline constexpr std::string_view kSrtPassphrase = "QDPgIlylrB37BmGIIaCUxOZTGe12JL_y";
inline constexpr std::string_view kQrClear =
    "0101000000112233445566778899aabbccddeeff0000004d000001a56aa78d606aaa3060004207d00103547416f43c8dfc094161"
    "6ea25472fda9a8ed6cd06433ead724c0375b1b9701484e0c803ba0f3bbe2977359c9cdc88cda046d0ea90170235ac9f6d7c150e6"
    "e141a8213abbda3cd0d9863571e2249ed3024d309e44b286478a2e60bac46b03608801220f696e2e766f74652e6578616d706c65"
    "0123280261310123280262320201bb026333021350532030343231205363686f6f6c204e6f2035";
inline constexpr std::string_view kQrSealed =
    "0101010900112233445566778899aabbccddeeff4d86c29fb31d4e73c9702981f8f02194b0cfc4da1e23707fc170673067ce04f6"
    "697338ba075b1e3ca4f764d622c3c65f0b27e2d2d0af245370b30be77aa215a9d079d41b92af3f62c34340f9777dc60512e00862"
    "ca4ac3739cef76b7a16fdfb5271566bcae904459945390e152a3fce06ce71861cce722dc51e8d32e2606b8078bb0a3d67985e9b9"
    "6b0dad1124465b9d7d8455ee8f2257b9bfc732a8c02bf8c5cb5260c1e9dfddc7825eaf46e95827abe5923ad2f14cc584a8e5cbd0"
    "4c1fdd";
// A device that connects to the third endpoint; its private key is a0a1..bf.
inline constexpr std::string_view kDevicePublic =
    "4fd099ccd47d7893dfe9ec24414ecb0d9b5420232aad30d91c465be33cbe65c4";
inline constexpr uint64_t kDeviceCounter = 1'789'400'000'123;
inline constexpr std::string_view kEndpointHash =
    "58312c655641775f0d45df4b17b5f6ed0cffc225b9b7c37dbadc7f695176be82";
inline constexpr std::string_view kDeviceKeyText = "T9CZzNR9eJPf6ewkQU7LDZtUICMqrTDZHEZb4zy-ZcQ";
inline constexpr std::string_view kDeviceProofText =
    "AAABoKCNJnulU4L57MFfMDXOxh6FB5Tch2kGnd5pq1tlf_Nc4YNsWBUm9PyTm5-Sv48MKKJz3In5VjQcpmSXHJcrPqTdTeYK";
inline constexpr std::string_view kPossessionMacText = "BRGexo4H-7zXEsMvRQIf6g";
inline constexpr uint8_t kKid = 1;
inline constexpr uint8_t kFleetId = 9;
inline constexpr uint32_t kEvent = 77;
inline constexpr uint32_t kStation = 421;
inline constexpr int64_t kNotBefore = 1789365600;
inline constexpr int64_t kExpires = 1789538400;
inline constexpr int64_t kNow = 1789400000;  // between them

template <size_t N>
std::array<std::byte, N> array_of_hex(std::string_view hex) {
  std::array<std::byte, N> out{};
  auto bytes = from_hex(hex);
  if (bytes && bytes->size() == N) std::ranges::copy(*bytes, out.begin());
  return out;
}
inline ByteVector bytes_of_hex(std::string_view hex) {
  return from_hex(hex).value_or(ByteVector{});
}

inline IssuerKeys issuer_keys() {
  return {.event = kEvent,
          .kid = kKid,
          .issuer = array_of_hex<32>(kIssuerSeed),
          .master = array_of_hex<32>(kMaster),
          .fleet = FleetKey{kFleetId, array_of_hex<32>(kFleetKey)}};
}
inline NodeKeys node_keys() {
  return {.event = kEvent,
          .issuers = {{kKid, array_of_hex<32>(kIssuerPublic)}},
          .masters = {{kKid, array_of_hex<32>(kMaster)}}};
}
inline FleetKeys fleet_keys() {
  return {{kFleetId, array_of_hex<32>(kFleetKey)}};
}
inline Hints hints() {
  return {.endpoints = {{Protocol::kSrt, "a1.in.vote.example", 9000},
                        {Protocol::kSrt, "b2.in.vote.example", 9000},
                        {Protocol::kRtmps, "c3.in.vote.example", 443}},
          .label = "PS 0421 School No 5",
          .fallbacks = {},
          .pin = {}};
}
inline IssueRequest request() {
  return {.tid = array_of_hex<16>(kTid),
          .station = kStation,
          .not_before = kNotBefore,
          .expires = kExpires,
          .flags = 0x0042,
          .max_kbps = 2000,
          .codecs = 0x0103,
          .hints = hints(),
          .seal = Seal::kNone};
}

// `bytes` with one bit turned.
template <typename Container>
Container flipped(Container bytes, size_t bit) {
  bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
  return bytes;
}

}  // namespace headgate::ticket::tv1
