// SPDX-License-Identifier: LGPL-2.1-or-later
// Virtual functions, pad functions and callbacks that GStreamer calls go through trampoline<function, error>:
// no C++ exception ever crosses a C frame. What escapes (out of memory, a bug) becomes an element error and
// the given value.
#pragma once

#include <gst/gst.h>

#include <exception>
#include <type_traits>

namespace headgate::gst {

// Posts an element error "internal error: <what>"; `object` may be a pad or null.
void report_exception(GstObject* object, const char* what) noexcept;

template <typename First, typename... Rest>
GstObject* first_object(First first, Rest...) {
  return GST_OBJECT_CAST(first);
}

template <auto F, typename Signature, auto... kError>
struct Trampoline;

template <auto F, typename R, typename... A, auto... kError>
struct Trampoline<F, R (*)(A...), kError...> {
  static R call(A... args) noexcept {
    try {
      return F(args...);
    } catch (const std::exception& error) {
      report_exception(first_object(args...), error.what());
    } catch (...) {
      report_exception(first_object(args...), "unknown exception");
    }
    if constexpr (!std::is_void_v<R>) return static_cast<R>((kError, ...));
  }
};

// `F` takes a GstElement, GstPad or GObject first. The error value is left out for functions that return
// nothing.
template <auto F, auto... kError>
inline constexpr auto trampoline = &Trampoline<F, decltype(F), kError...>::call;

}  // namespace headgate::gst
