// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/amf0.h>
#include <rtmp/flv.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace headgate;
using namespace headgate::rtmp;

size_t count(const std::vector<AmfValue>& values);
size_t count(const AmfValue& value) {
  size_t out = 1 + count(value.elements);
  for (const auto& property : value.properties) out += count(property.value);
  return out;
}
size_t count(const std::vector<AmfValue>& values) {
  size_t out = 0;
  for (const AmfValue& value : values) out += count(value);
  return out;
}

size_t text_bytes(const AmfValue& value) {
  size_t out = value.string.size();
  for (const auto& element : value.elements) out += text_bytes(element);
  for (const auto& property : value.properties) out += property.key.size() + text_bytes(property.value);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input = std::as_bytes(std::span(data, size));
  Limits limits;
  auto values = read_amf0(input, limits);
  if (values) {
    if (count(*values) > limits.max_amf_values) std::abort();
    size_t bytes = 0;
    for (const AmfValue& value : *values) {
      (void)read_metadata(value);
      bytes += text_bytes(value);
    }
    if (bytes > input.size() + limits.max_amf_repeated_bytes + 4 * limits.max_amf_values) std::abort();
  }
  (void)codec_name(parse_video_header(input));
  (void)codec_name(parse_audio_header(input));
  return 0;
}
