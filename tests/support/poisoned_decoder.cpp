// SPDX-License-Identifier: LGPL-2.1-or-later
// For LD_PRELOAD: libavcodec with a hole. A packet with "headgate-poison" in it ends the process as a wild
// pointer does.
#include <dlfcn.h>

#include <algorithm>
#include <csignal>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/version.h>
#include <libavutil/macros.h>

int avcodec_send_packet(AVCodecContext* context, const AVPacket* packet) {
  // Who has libavcodec has loaded it for himself: it is not behind this in the process's own list.
  static const auto real = reinterpret_cast<decltype(&avcodec_send_packet)>(::dlsym(
      ::dlopen("libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR), RTLD_LAZY), "avcodec_send_packet"));
  constexpr std::string_view kPoison = "headgate-poison";
  if (packet && packet->data &&
      std::search(packet->data, packet->data + packet->size, kPoison.begin(), kPoison.end()) !=
          packet->data + packet->size)
    ::raise(SIGSEGV);
  return real(context, packet);
}
}
