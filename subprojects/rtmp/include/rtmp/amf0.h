// SPDX-License-Identifier: LGPL-2.1-or-later
// AMF0 values (Adobe AMF 0 specification), read with limits on depth and count, and written. Reading is
// lenient where clients in the field are: ECMA arrays whose count is wrong or whose end marker is missing,
// stray object end markers. Values of AMF3 (behind the marker 0x11) are read too, as far as publishers have
// use for them: no externalizable objects, vectors and dictionaries; a reference to an earlier object is
// undefined.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <rtmp/limits.h>

namespace headgate::rtmp {

struct AmfProperty;

struct AmfValue {
  enum Type : uint8_t {
    kNull,
    kUndefined,
    kNumber,
    kBoolean,
    kString,
    kObject,
    kEcmaArray,
    kStrictArray,
    kDate
  };

  Type type = kUndefined;
  bool boolean = false;
  double number = 0;                    // kNumber; kDate: ms since the Unix epoch
  std::string string;                   // kString, long strings and XML included
  std::vector<AmfProperty> properties;  // kObject, kEcmaArray; in the order sent, keys may repeat
  std::vector<AmfValue> elements;       // kStrictArray

  // The first property with that key; null when there is none.
  const AmfValue* find(std::string_view key) const;
  // The property's string or number, or `otherwise` when it is absent or of another type.
  std::string_view text(std::string_view key, std::string_view otherwise = {}) const;
  double real(std::string_view key, double otherwise = 0) const;
};

struct AmfProperty {
  std::string key;
  AmfValue value;
};

// All values of one message, one after the other.
Result<std::vector<AmfValue>> read_amf0(Bytes data, const Limits& limits = {});

// Appends to a vector that it does not own. Strings beyond 65,535 bytes are written as long strings; keys
// must be shorter.
class AmfWriter {
 public:
  explicit AmfWriter(ByteVector& out) : out_(out) {}
  AmfWriter& number(double value);
  AmfWriter& boolean(bool value);
  AmfWriter& string(std::string_view value);
  AmfWriter& null();
  AmfWriter& begin_object();
  AmfWriter& begin_ecma_array(uint32_t count);
  AmfWriter& begin_strict_array(uint32_t count);  // then that many values; it has no end
  AmfWriter& key(std::string_view name);          // then the value
  AmfWriter& end();                               // of an object or ECMA array

 private:
  ByteWriter out_;
};

}  // namespace headgate::rtmp
