// SPDX-License-Identifier: LGPL-2.1-or-later
// Holder: owns one reference to something that a library cannot name (a GstBuffer under an access unit's
// bytes, say) and gives it back when it dies. Two words, no allocation, move only.
#pragma once

#include <utility>

namespace headgate {

class Holder {
 public:
  using Release = void (*)(void*);
  Holder() = default;
  Holder(void* object, Release release) : object_(object), release_(release) {}
  Holder(Holder&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), release_(other.release_) {}
  Holder& operator=(Holder&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
      release_ = other.release_;
    }
    return *this;
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { reset(); }
  void reset() {
    if (void* object = std::exchange(object_, nullptr)) release_(object);
  }

 private:
  void* object_ = nullptr;
  Release release_ = nullptr;
};

}  // namespace headgate
