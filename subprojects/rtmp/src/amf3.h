// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: AMF3 values (Adobe AMF 3 specification) inside a message of AMF0, where the marker
// 0x11 announces each. Strings, traits and objects that were sent before are referred to by number.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <rtmp/amf0.h>

namespace headgate::rtmp {

// One per message: its tables last as long. Not taken: externalizable objects, vectors, dictionaries.
class Amf3Reader {
 public:
  // `reader`, `limits` and `values` (how many were read of the message, by anybody) are the AMF0 reader's.
  Amf3Reader(ByteReader& reader, const Limits& limits, uint32_t& values)
      : reader_(reader), limits_(limits), values_(values) {}

  // The next value, which is `depth` deep in others.
  Result<void> value(AmfValue& out, uint32_t depth);

 private:
  struct Traits {
    bool dynamic = false;
    std::vector<std::string> names;
  };

  Result<void> counted(uint32_t depth);
  Result<void> array(AmfValue& out, uint32_t depth);
  Result<void> object(AmfValue& out, uint32_t depth);
  Result<void> named_values(AmfValue& out, uint32_t depth);
  Result<const Traits*> traits(uint32_t header);
  Result<std::string> text();
  Result<void> repeat(size_t bytes);
  Result<bool> is_reference(uint32_t header);
  uint32_t u29();

  ByteReader& reader_;
  const Limits& limits_;
  uint32_t& values_;
  std::vector<std::string> strings_;
  std::deque<Traits> traits_;  // which stay where they are
  uint32_t objects_ = 0;       // that can be referred to
  size_t repeated_ = 0;        // bytes that references stood for
};

}  // namespace headgate::rtmp
