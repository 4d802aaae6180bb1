// SPDX-License-Identifier: LGPL-2.1-or-later
// Texts that many ask for, playlists and the page's files: made once for each change, packed (gzip, RFC 1952)
// once for all who take it so, shared by all answers. In the loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bytes_ptr.h"
#include "packer.h"

namespace headgate::origin {

// Shorter ones are sent as they are: they are few packets anyway, and the playlists that a player waits for
// among them would come later for it.
inline constexpr size_t kLeastPackedBytes = 16 << 10;

// One version of one.
class Text {
 public:
  // `packer`: shared by the versions of a text.
  Text(std::string text, std::shared_ptr<Packer> packer);
  // Packed by somebody else, or not at all (null).
  Text(BytesPtr plain, BytesPtr packed);

  const BytesPtr& plain() const { return plain_; }
  bool empty() const;
  // Null: it is sent as it is. What packed() is begins with these bytes.
  GBytes* packed() const;
  // And ends with these, `more` packed behind the text.
  std::string packed_end(std::string_view more) const;

 private:
  BytesPtr plain_;
  std::shared_ptr<Packer> packer_;  // null: nothing is left to pack
  mutable std::optional<Packed> packed_;
};
using TextPtr = std::shared_ptr<const Text>;

// The newest version of a text.
class KeptText {
 public:
  // What it is made of, as numbers; made anew when any of them has changed.
  using Version = std::array<uint64_t, 4>;
  const TextPtr& get(const Version& version, const std::function<std::string()>& make);
  void forget();
  // How many texts this process has made.
  static uint64_t made() { return made_; }

 private:
  Version version_{};
  TextPtr text_;                    // null: there is none yet
  std::shared_ptr<Packer> packer_;  // null: it was never long enough
  static inline uint64_t made_ = 0;
};

}  // namespace headgate::origin
