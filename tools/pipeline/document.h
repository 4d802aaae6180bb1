// SPDX-License-Identifier: LGPL-2.1-or-later
// One file of a description, or of a fragment, while it is read: its JSON, and what is wrong with it by line
// and JSON pointer (RFC 6901).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <base/json.h>
#include <base/result.h>

namespace headgate::pipeline {

inline constexpr int kMaxDescriptionDepth = 16;

std::string pointer_to(const std::string& parent, const std::string& key);

class Document {
 public:
  // Both outlive the document.
  Document(std::string file, std::vector<std::string>& faults) : file_(std::move(file)), faults_(faults) {}
  const std::string& file() const { return file_; }
  // All of these are false, or have no value, after telling what is wrong.
  bool parse(const std::string& json, Json& out);
  bool wrong(JsonPlace at, const std::string& pointer, const std::string& reason);
  bool wrong(const Json& at, const std::string& pointer, const std::string& reason) {
    return wrong(at.place(), pointer, reason);
  }
  bool is_object(const Json& node, const std::string& pointer);
  // Every key is one of `known`; every one of `needed` is there. `of`: "a parameter".
  bool keys(const Json& node, const std::string& pointer, const std::vector<const char*>& known,
            const std::vector<const char*>& needed, const char* of);
  std::optional<std::string> text(const Json& node, const std::string& pointer);
  std::optional<int64_t> integer(const Json& node, const std::string& pointer, int64_t least, int64_t most);
  std::optional<double> number(const Json& node, const std::string& pointer, double least, double most);
  std::optional<bool> truth(const Json& node, const std::string& pointer);
  // A duration with its unit, ns.
  std::optional<int64_t> duration(const Json& node, const std::string& pointer, int64_t least, int64_t most);
  // A bit rate with its unit, bit/s; from 0.
  std::optional<int64_t> bit_rate(const Json& node, const std::string& pointer, int64_t most);
  // [a-z0-9-]{1,64}
  bool is_name(const std::string& name, const Json& at, const std::string& pointer);

 private:
  std::string file_;
  std::vector<std::string>& faults_;
};

// A number as a value is given: 5e1 is "50".
std::string number_text(const Json& node);

}  // namespace headgate::pipeline
