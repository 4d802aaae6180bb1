// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/enhanced.h>

#include <algorithm>
#include <string>

namespace headgate::rtmp {
namespace {

void write_info_map(AmfWriter& writer, std::string_view name, std::span<const std::string_view> codecs) {
  writer.key(name).begin_object();
  for (std::string_view codec : codecs) writer.key(codec).number(kCanForward);
  writer.end();
}

std::optional<double> number_of(const AmfValue* object, std::string_view key) {
  const AmfValue* value = object ? object->find(key) : nullptr;
  if (!value || value->type != AmfValue::kNumber) return std::nullopt;
  return value->number;
}

}  // namespace

void write_capabilities(AmfWriter& writer) {
  writer.key("fourCcList").begin_strict_array(kVideoCodecs.size() + kAudioCodecs.size());
  for (std::string_view codec : kVideoCodecs) writer.string(codec);
  for (std::string_view codec : kAudioCodecs) writer.string(codec);
  write_info_map(writer, "videoFourCcInfoMap", kVideoCodecs);
  write_info_map(writer, "audioFourCcInfoMap", kAudioCodecs);
  writer.key("capsEx").number(kOwnCaps);
}

std::optional<uint32_t> read_caps_ex(const AmfValue& object) {
  const bool enhanced = object.find("fourCcList") || object.find("videoFourCcInfoMap") ||
                        object.find("audioFourCcInfoMap") || object.find("capsEx");
  if (!enhanced) return std::nullopt;
  const double caps = object.real("capsEx");
  return caps > 0 && caps <= UINT32_MAX ? static_cast<uint32_t>(caps) : 0;
}

Result<std::optional<ColorInfo>> read_color_info(Bytes payload, const Limits& limits) {
  if (payload.size() > limits.max_data_bytes)
    return Unexpected("colorInfo: limit max_data_bytes (" + std::to_string(limits.max_data_bytes) +
                      ") exceeded");
  auto values = read_amf0(payload, limits);
  if (!values) return Unexpected(values.error());
  // A series of names and values.
  const AmfValue* info = nullptr;
  for (size_t i = 0; i + 1 < values->size(); i += 2)
    if ((*values)[i].type == AmfValue::kString && (*values)[i].string == "colorInfo")
      info = &(*values)[i + 1];
  if (!info) return std::optional<ColorInfo>();
  const AmfValue* config = info->find("colorConfig");
  const AmfValue* cll = info->find("hdrCll");
  const AmfValue* mdcv = info->find("hdrMdcv");
  ColorInfo out;
  out.bit_depth = number_of(config, "bitDepth");
  out.primaries = number_of(config, "colorPrimaries");
  out.transfer = number_of(config, "transferCharacteristics");
  out.matrix = number_of(config, "matrixCoefficients");
  out.max_fall = number_of(cll, "maxFall");
  out.max_cll = number_of(cll, "maxCLL");
  out.red_x = number_of(mdcv, "redX");
  out.red_y = number_of(mdcv, "redY");
  out.green_x = number_of(mdcv, "greenX");
  out.green_y = number_of(mdcv, "greenY");
  out.blue_x = number_of(mdcv, "blueX");
  out.blue_y = number_of(mdcv, "blueY");
  out.white_x = number_of(mdcv, "whitePointX");
  out.white_y = number_of(mdcv, "whitePointY");
  out.max_luminance = number_of(mdcv, "maxLuminance");
  out.min_luminance = number_of(mdcv, "minLuminance");
  return std::optional<ColorInfo>(out);
}

Result<Multichannel> read_multichannel(Bytes payload) {
  ByteReader reader(payload);
  const uint8_t order = reader.u8();
  Multichannel out;
  out.channels = reader.u8();
  if (!reader.ok()) return Unexpected("MultichannelConfig: cut short");
  if (order > Multichannel::kCustom)
    return Unexpected("MultichannelConfig: channel order " + std::to_string(order) + " does not exist");
  if (out.channels == 0) return Unexpected("MultichannelConfig: no channels");
  out.order = static_cast<Multichannel::Order>(order);
  if (out.order == Multichannel::kNative) out.mask = reader.u32();
  if (out.order == Multichannel::kCustom)
    for (std::byte channel : reader.bytes(out.channels))
      out.mapping.push_back(std::to_integer<uint8_t>(channel));
  if (!reader.ok()) return Unexpected("MultichannelConfig: cut short");
  return out;
}

}  // namespace headgate::rtmp
