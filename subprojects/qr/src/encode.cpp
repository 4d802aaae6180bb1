// SPDX-License-Identifier: LGPL-2.1-or-later
#include <qrencode.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <qr/code.h>

namespace headgate::qr {
namespace {

struct FreeInput {
  void operator()(QRinput* input) const { QRinput_free(input); }
};
struct FreeCode {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

constexpr std::string_view kAlphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

bool alphanumeric(char c) {
  return kAlphanumeric.find(c) != kAlphanumeric.npos;
}

Unexpected failed() {
  return Unexpected(errno, errno == ERANGE ? "the text is too long for a QR code"
                                           : std::string("QR code: ") + std::strerror(errno));
}

}  // namespace

Result<Code> encode(std::string_view text) {
  if (text.empty()) return Unexpected(EINVAL, "a QR code needs a text");
  std::unique_ptr<QRinput, FreeInput> input(QRinput_new2(0, QR_ECLEVEL_Q));
  if (!input) return failed();
  while (!text.empty()) {
    bool mode = alphanumeric(text.front());
    size_t length = 1;
    while (length < text.size() && alphanumeric(text[length]) == mode) ++length;
    if (QRinput_append(input.get(), mode ? QR_MODE_AN : QR_MODE_8, static_cast<int>(length),
                       reinterpret_cast<const unsigned char*>(text.data())) != 0)
      return failed();
    text.remove_prefix(length);
  }
  std::unique_ptr<QRcode, FreeCode> code(QRcode_encodeInput(input.get()));
  if (!code) return failed();
  auto count = static_cast<size_t>(code->width) * static_cast<size_t>(code->width);
  std::vector<bool> dark(count);
  for (size_t i = 0; i < count; ++i) dark[i] = (code->data[i] & 1) != 0;
  return Code(code->width, std::move(dark));
}

}  // namespace headgate::qr
