// SPDX-License-Identifier: LGPL-2.1-or-later
// Result<T>: a value or an Error, with the part of std::expected's interface that we use (clang 14 has no
// std::expected). Errors that a stranger or the system can cause travel this way; exceptions do not.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace headgate {

// `code` is for programs and comes from the library that made the error (0: nothing finer than the text);
// `message` is for people and says what to do where that is known.
struct Error {
  int code = 0;
  std::string message;
};

class Unexpected {
 public:
  explicit Unexpected(Error error) : error_(std::move(error)) {}
  explicit Unexpected(std::string message) : error_{0, std::move(message)} {}
  Unexpected(int code, std::string message) : error_{code, std::move(message)} {}
  Error&& take() && { return std::move(error_); }

 private:
  Error error_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point.
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Unexpected error) : v_(std::in_place_index<1>, std::move(error).take()) {}

  bool has_value() const { return v_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & {
    assert(has_value());
    return *std::get_if<0>(&v_);
  }
  const T& value() const& {
    assert(has_value());
    return *std::get_if<0>(&v_);
  }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  template <typename U>
  T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }
  const Error& error() const {
    assert(!has_value());
    return *std::get_if<1>(&v_);
  }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Unexpected error) : error_(std::move(error).take()), ok_(false) {}
  bool has_value() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    assert(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace headgate
