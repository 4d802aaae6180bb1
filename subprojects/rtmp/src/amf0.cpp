// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/amf0.h>

#include <bit>

#include "amf3.h"

namespace headgate::rtmp {
namespace {

enum Marker : uint8_t {
  kNumberMarker = 0,
  kBooleanMarker = 1,
  kStringMarker = 2,
  kObjectMarker = 3,
  kMovieClipMarker = 4,
  kNullMarker = 5,
  kUndefinedMarker = 6,
  kReferenceMarker = 7,
  kEcmaArrayMarker = 8,
  kObjectEndMarker = 9,
  kStrictArrayMarker = 10,
  kDateMarker = 11,
  kLongStringMarker = 12,
  kUnsupportedMarker = 13,
  kXmlMarker = 15,
  kTypedObjectMarker = 16,
  kAmf3Marker = 17,
};
constexpr size_t kEndSize = 3;  // an empty key and kObjectEndMarker

class Reader {
 public:
  Reader(Bytes data, const Limits& limits)
      : data_(data), reader_(data), limits_(limits), amf3_(reader_, limits, values_) {}

  Result<std::vector<AmfValue>> all() {
    std::vector<AmfValue> values;
    while (reader_.remaining() > 0) {
      // Stray end markers: some encoders close what they never opened.
      if (at_end()) {
        reader_.skip(kEndSize);
        continue;
      }
      if (peek() == kObjectEndMarker) {
        reader_.skip(1);
        continue;
      }
      AmfValue value;
      if (auto read = this->value(value, 0); !read) return Unexpected(read.error());
      values.push_back(std::move(value));
    }
    return values;
  }

 private:
  uint8_t peek() const { return std::to_integer<uint8_t>(data_[reader_.position()]); }
  // The three bytes that end an object. At the top level a number that begins so is at least 9 bytes long.
  bool at_end() const {
    Bytes rest = data_.subspan(reader_.position());
    return (rest.size() == kEndSize || (depth_ > 0 && rest.size() > kEndSize)) && rest[0] == std::byte{0} &&
           rest[1] == std::byte{0} && rest[2] == std::byte{kObjectEndMarker};
  }
  std::string text(size_t size) { return std::string(as_text(reader_.bytes(size))); }

  Result<void> value(AmfValue& out, uint32_t depth) {
    if (depth > limits_.max_amf_depth)
      return Unexpected("AMF0: limit max_amf_depth (" + std::to_string(limits_.max_amf_depth) + ") exceeded");
    if (++values_ > limits_.max_amf_values)
      return Unexpected("AMF0: limit max_amf_values (" + std::to_string(limits_.max_amf_values) +
                        ") exceeded");
    depth_ = depth;
    uint8_t marker = reader_.u8();
    switch (marker) {
      case kNumberMarker:
        out.type = AmfValue::kNumber;
        out.number = std::bit_cast<double>(reader_.u64());
        break;
      case kBooleanMarker:
        out.type = AmfValue::kBoolean;
        out.boolean = reader_.u8() != 0;
        break;
      case kStringMarker:
        out.type = AmfValue::kString;
        out.string = text(reader_.u16());
        break;
      case kLongStringMarker:
      case kXmlMarker:
        out.type = AmfValue::kString;
        out.string = text(reader_.u32());
        break;
      case kDateMarker:
        out.type = AmfValue::kDate;
        out.number = std::bit_cast<double>(reader_.u64());
        reader_.skip(2);  // time zone: reserved, zero
        break;
      case kNullMarker:
        out.type = AmfValue::kNull;
        break;
      case kUndefinedMarker:
      case kUnsupportedMarker:
        out.type = AmfValue::kUndefined;
        break;
      case kTypedObjectMarker:
        text(reader_.u16());  // the class's name
        [[fallthrough]];
      case kObjectMarker:
        out.type = AmfValue::kObject;
        return properties(out, depth, std::nullopt);
      case kEcmaArrayMarker:
        out.type = AmfValue::kEcmaArray;
        return properties(out, depth, reader_.u32());
      case kStrictArrayMarker:
        out.type = AmfValue::kStrictArray;
        return elements(out, depth, reader_.u32());
      case kAmf3Marker:
        --values_;  // it is the one behind the marker that counts
        return amf3_.value(out, depth);
      default:
        return Unexpected("AMF0: marker " + std::to_string(marker) + " is not taken");
    }
    return ended();
  }

  Result<void> ended() const {
    if (!reader_.ok()) return Unexpected("AMF0: cut short");
    return {};
  }

  // `count`: an ECMA array's, which encoders get wrong or leave 0, and after which some write no end marker.
  Result<void> properties(AmfValue& out, uint32_t depth, std::optional<uint32_t> count) {
    for (;;) {
      if (!reader_.ok()) return ended();
      depth_ = depth + 1;
      if (at_end()) {
        reader_.skip(kEndSize);
        return {};
      }
      if (count && reader_.remaining() == 0) return {};
      if (count && *count > 0 && out.properties.size() >= *count && !looks_like_property()) return {};
      AmfProperty property;
      property.key = text(reader_.u16());
      if (!reader_.ok() || reader_.remaining() == 0) return Unexpected("AMF0: object cut short");
      if (auto read = value(property.value, depth + 1); !read) return read;
      out.properties.push_back(std::move(property));
    }
  }

  // Whether a key with a known marker behind it could begin here, rather than the next value.
  bool looks_like_property() const {
    ByteReader ahead(data_.subspan(reader_.position()));
    uint16_t size = ahead.u16();
    ahead.skip(size);
    uint8_t marker = ahead.u8();
    return ahead.ok() && size > 0 && marker <= kAmf3Marker && marker != kObjectEndMarker;
  }

  Result<void> elements(AmfValue& out, uint32_t depth, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      if (!reader_.ok() || reader_.remaining() == 0) return Unexpected("AMF0: array cut short");
      AmfValue element;
      if (auto read = value(element, depth + 1); !read) return read;
      out.elements.push_back(std::move(element));
    }
    return ended();
  }

  Bytes data_;
  ByteReader reader_;
  const Limits& limits_;
  uint32_t values_ = 0;
  uint32_t depth_ = 0;  // of what is being read; 0: top level
  Amf3Reader amf3_;
};

}  // namespace

const AmfValue* AmfValue::find(std::string_view key) const {
  for (const AmfProperty& property : properties)
    if (property.key == key) return &property.value;
  return nullptr;
}

std::string_view AmfValue::text(std::string_view key, std::string_view otherwise) const {
  const AmfValue* value = find(key);
  return value && value->type == kString ? std::string_view(value->string) : otherwise;
}

double AmfValue::real(std::string_view key, double otherwise) const {
  const AmfValue* value = find(key);
  return value && value->type == kNumber ? value->number : otherwise;
}

Result<std::vector<AmfValue>> read_amf0(Bytes data, const Limits& limits) {
  return Reader(data, limits).all();
}

AmfWriter& AmfWriter::number(double value) {
  out_.u8(kNumberMarker);
  out_.u64(std::bit_cast<uint64_t>(value));
  return *this;
}

AmfWriter& AmfWriter::boolean(bool value) {
  out_.u8(kBooleanMarker);
  out_.u8(value ? 1 : 0);
  return *this;
}

AmfWriter& AmfWriter::string(std::string_view value) {
  if (value.size() > UINT16_MAX) {
    out_.u8(kLongStringMarker);
    out_.u32(value.size());
  } else {
    out_.u8(kStringMarker);
    out_.u16(value.size());
  }
  out_.text(value);
  return *this;
}

AmfWriter& AmfWriter::null() {
  out_.u8(kNullMarker);
  return *this;
}

AmfWriter& AmfWriter::begin_object() {
  out_.u8(kObjectMarker);
  return *this;
}

AmfWriter& AmfWriter::begin_ecma_array(uint32_t count) {
  out_.u8(kEcmaArrayMarker);
  out_.u32(count);
  return *this;
}

AmfWriter& AmfWriter::begin_strict_array(uint32_t count) {
  out_.u8(kStrictArrayMarker);
  out_.u32(count);
  return *this;
}

AmfWriter& AmfWriter::key(std::string_view name) {
  out_.u16(name.size());
  out_.text(name);
  return *this;
}

AmfWriter& AmfWriter::end() {
  out_.u16(0);
  out_.u8(kObjectEndMarker);
  return *this;
}

}  // namespace headgate::rtmp
