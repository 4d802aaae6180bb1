// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <utility>

namespace headgate::origin {
namespace {

BytesPtr bytes_that_own(std::string text) {
  auto* const owned = new std::string(std::move(text));
  return BytesPtr(g_bytes_new_with_free_func(
      owned->data(), owned->size(), [](gpointer string) { delete static_cast<std::string*>(string); },
      owned));
}

}  // namespace

Text::Text(std::string text, std::shared_ptr<Packer> packer) : plain_(bytes_that_own(std::move(text))) {
  if (g_bytes_get_size(plain_.get()) >= kLeastPackedBytes) packer_ = std::move(packer);
}

Text::Text(BytesPtr plain, BytesPtr packed) : plain_(std::move(plain)) {
  if (packed) packed_ = Packed{std::move(packed), std::nullopt};
}

bool Text::empty() const {
  return g_bytes_get_size(plain_.get()) == 0;
}

GBytes* Text::packed() const {
  if (!packed_ && packer_) packed_ = packer_->pack(plain_);
  return packed_ ? packed_->begin.get() : nullptr;
}

std::string Text::packed_end(std::string_view more) const {
  return packed_ && packed_->open ? gzip_end(*packed_->open, more) : std::string();
}

const TextPtr& KeptText::get(const Version& version, const std::function<std::string()>& make) {
  if (!text_ || version_ != version) {
    version_ = version;
    ++made_;
    std::string made = make();
    if (!packer_ && made.size() >= kLeastPackedBytes) packer_ = std::make_shared<Packer>();
    text_ = std::make_shared<const Text>(std::move(made), packer_);
  }
  return text_;
}

void KeptText::forget() {
  *this = {};
}

}  // namespace headgate::origin
