// SPDX-License-Identifier: LGPL-2.1-or-later
// What elements, libraries and other servers say goes into logs, events and NODE, where others read it than
// those who may know the settings: of addresses in it scheme, host and port are shown, what else may be a
// secret is not. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate {

// Stands for what is not shown.
inline constexpr char kMasked[] = "***";

// "scheme://host:port" of an address (RFC 3986, 3), whose path, query, fragment and user may be secrets: a
// stream's key, SRT's passphrase, a token. "?": it has no host, or none that can be told from the rest for
// certain.
std::string shown_address(std::string_view address);

// The text with each address in it, wherever it stands and whatever is around it, as shown_address() and
// "/***" where there was more; "scheme://***" of one that would be "?". One that begins behind a quotation
// mark goes on to the mark that closes it, any other to the next white space; marks at its end are the
// sentence's. Files' addresses stay as they are. The value of NAME=VALUE is "***" where the name ends in what
// passwords, keys and stream ids are called by (passphrase, stream-key, token, ...).
std::string masked(std::string_view text);

}  // namespace headgate
