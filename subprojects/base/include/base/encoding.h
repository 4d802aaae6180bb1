// SPDX-License-Identifier: LGPL-2.1-or-later
// RFC 4648: hex (lower case), base32 (upper case, no padding), base64 (padded), base64url (no padding).
// Decoders are strict about the alphabet, about left-over bits and about length; base32 alone accepts lower
// case.
#pragma once

#include <string>
#include <string_view>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate {

std::string to_hex(Bytes bytes);
std::string to_base32(Bytes bytes);
std::string to_base64(Bytes bytes);
std::string to_base64url(Bytes bytes);

Result<ByteVector> from_hex(std::string_view text);
Result<ByteVector> from_base32(std::string_view text);
Result<ByteVector> from_base64(std::string_view text);
Result<ByteVector> from_base64url(std::string_view text);

}  // namespace headgate
