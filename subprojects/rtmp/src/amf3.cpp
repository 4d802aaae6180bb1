// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amf3.h"

#include <bit>
#include <utility>

namespace headgate::rtmp {
namespace {

// AMF 3 specification, 3.1.
enum Marker : uint8_t {
  kUndefinedMarker = 0,
  kNullMarker = 1,
  kFalseMarker = 2,
  kTrueMarker = 3,
  kIntegerMarker = 4,
  kDoubleMarker = 5,
  kStringMarker = 6,
  kXmlDocumentMarker = 7,
  kDateMarker = 8,
  kArrayMarker = 9,
  kObjectMarker = 10,
  kXmlMarker = 11,
  kByteArrayMarker = 12,
};
// The lowest bits of a U29 before an object (3.12).
constexpr uint32_t kInline = 1, kTraitsInline = 2, kExternalizable = 4, kDynamic = 8;

Unexpected limit(const char* name, uint32_t value) {
  return Unexpected("AMF3: limit " + std::string(name) + " (" + std::to_string(value) + ") exceeded");
}

}  // namespace

// 1.3.1: seven bits a byte, and eight of a fourth.
uint32_t Amf3Reader::u29() {
  uint32_t value = 0;
  for (int i = 0; i < 3; ++i) {
    const uint8_t byte = reader_.u8();
    value = value << 7 | (byte & 0x7fu);
    if (!(byte & 0x80)) return value;
  }
  return value << 8 | reader_.u8();
}

Result<void> Amf3Reader::counted(uint32_t depth) {
  if (depth > limits_.max_amf_depth) return limit("max_amf_depth", limits_.max_amf_depth);
  if (++values_ > limits_.max_amf_values) return limit("max_amf_values", limits_.max_amf_values);
  return {};
}

// A few bytes must not become megabytes by repetition.
Result<void> Amf3Reader::repeat(size_t bytes) {
  repeated_ += bytes;
  if (repeated_ > limits_.max_amf_repeated_bytes)
    return limit("max_amf_repeated_bytes", limits_.max_amf_repeated_bytes);
  return {};
}

Result<std::string> Amf3Reader::text() {
  const uint32_t header = u29();
  if (header & kInline) {
    std::string out(as_text(reader_.bytes(header >> 1)));
    if (!reader_.ok()) return Unexpected("AMF3: cut short");
    if (!out.empty()) strings_.push_back(out);  // the empty string is never referred to (1.3.2)
    return out;
  }
  if (!reader_.ok()) return Unexpected("AMF3: cut short");
  if (header >> 1 >= strings_.size()) return Unexpected("AMF3: a reference to a string that was not sent");
  const std::string& referred = strings_[header >> 1];
  if (auto fits = repeat(referred.size()); !fits) return Unexpected(fits.error());
  return referred;
}

// Of a complex value: true for one that was sent before, which is not given again; otherwise it gets its
// number.
Result<bool> Amf3Reader::is_reference(uint32_t header) {
  if (!reader_.ok()) return Unexpected("AMF3: cut short");
  if (header & kInline) {
    ++objects_;
    return false;
  }
  if (header >> 1 >= objects_) return Unexpected("AMF3: a reference to an object that was not sent");
  return true;
}

Result<void> Amf3Reader::value(AmfValue& out, uint32_t depth) {
  if (auto fits = counted(depth); !fits) return fits;
  const uint8_t marker = reader_.u8();
  switch (marker) {
    case kUndefinedMarker:
      out.type = AmfValue::kUndefined;
      break;
    case kNullMarker:
      out.type = AmfValue::kNull;
      break;
    case kFalseMarker:
    case kTrueMarker:
      out.type = AmfValue::kBoolean;
      out.boolean = marker == kTrueMarker;
      break;
    case kIntegerMarker: {
      out.type = AmfValue::kNumber;
      const uint32_t number = u29();
      out.number = number & 0x10000000 ? static_cast<double>(number) - 0x20000000 : number;
      break;
    }
    case kDoubleMarker:
      out.type = AmfValue::kNumber;
      out.number = std::bit_cast<double>(reader_.u64());
      break;
    case kStringMarker: {
      auto string = text();
      if (!string) return Unexpected(string.error());
      out.type = AmfValue::kString;
      out.string = std::move(*string);
      break;
    }
    case kXmlDocumentMarker:
    case kXmlMarker:
    case kByteArrayMarker: {
      const uint32_t header = u29();
      const auto referred = is_reference(header);
      if (!referred) return Unexpected(referred.error());
      if (*referred) break;
      out.type = AmfValue::kString;
      out.string = std::string(as_text(reader_.bytes(header >> 1)));
      break;
    }
    case kDateMarker: {
      const auto referred = is_reference(u29());
      if (!referred) return Unexpected(referred.error());
      if (*referred) break;
      out.type = AmfValue::kDate;
      out.number = std::bit_cast<double>(reader_.u64());
      break;
    }
    case kArrayMarker:
      return array(out, depth);
    case kObjectMarker:
      return object(out, depth);
    default:
      return Unexpected("AMF3: marker " + std::to_string(marker) + " is not taken");
  }
  if (!reader_.ok()) return Unexpected("AMF3: cut short");
  return {};
}

// 3.11: named values, then a dense part, whose indices are names when there are both.
Result<void> Amf3Reader::array(AmfValue& out, uint32_t depth) {
  const uint32_t header = u29();
  const auto referred = is_reference(header);
  if (!referred) return Unexpected(referred.error());
  if (*referred) return {};
  out.type = AmfValue::kEcmaArray;
  if (auto read = named_values(out, depth); !read) return read;
  const bool dense = out.properties.empty();
  if (dense) out.type = AmfValue::kStrictArray;
  for (uint32_t i = 0; i < header >> 1; ++i) {
    AmfValue element;
    if (auto read = value(element, depth + 1); !read) return read;
    if (dense)
      out.elements.push_back(std::move(element));
    else
      out.properties.push_back({std::to_string(i), std::move(element)});
  }
  return {};
}

// Names and values up to an empty name.
Result<void> Amf3Reader::named_values(AmfValue& out, uint32_t depth) {
  for (;;) {
    auto name = text();
    if (!name) return Unexpected(name.error());
    if (name->empty()) return {};
    AmfProperty property;
    property.key = std::move(*name);
    if (auto read = value(property.value, depth + 1); !read) return read;
    out.properties.push_back(std::move(property));
  }
}

Result<const Amf3Reader::Traits*> Amf3Reader::traits(uint32_t header) {
  if (!(header & kTraitsInline)) {
    if (header >> 2 >= traits_.size()) return Unexpected("AMF3: a reference to traits that were not sent");
    return &traits_[header >> 2];
  }
  if (header & kExternalizable) return Unexpected("AMF3: externalizable objects are not taken");
  Traits made;
  made.dynamic = header & kDynamic;
  auto class_name = text();
  if (!class_name) return Unexpected(class_name.error());
  const uint32_t count = header >> 4;
  if (count > limits_.max_amf_values) return limit("max_amf_values", limits_.max_amf_values);
  for (uint32_t i = 0; i < count; ++i) {
    auto name = text();
    if (!name) return Unexpected(name.error());
    made.names.push_back(std::move(*name));
  }
  traits_.push_back(std::move(made));
  return &traits_.back();
}

Result<void> Amf3Reader::object(AmfValue& out, uint32_t depth) {
  const uint32_t header = u29();
  const auto referred = is_reference(header);
  if (!referred) return Unexpected(referred.error());
  if (*referred) return {};
  out.type = AmfValue::kObject;
  const auto known = traits(header);
  if (!known) return Unexpected(known.error());
  const Traits& its = **known;
  for (const std::string& name : its.names) {
    if (auto fits = repeat(name.size()); !fits) return fits;
    AmfProperty property;
    property.key = name;
    if (auto read = value(property.value, depth + 1); !read) return read;
    out.properties.push_back(std::move(property));
  }
  return its.dynamic ? named_values(out, depth) : Result<void>();
}

}  // namespace headgate::rtmp
