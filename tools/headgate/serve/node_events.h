// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens on the node, for operators: told to headgate-control, which keeps it, serves it and passes it
// on (docs/events.md). The last kMaxNodeEvents are kept here, so that a control that has just been started
// knows what its predecessor did not live to write. In the loop's thread.
#pragma once

#include <base/clock.h>
#include <common/actor.h>
#include <wire/messages.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace headgate::serve {

inline constexpr size_t kMaxNodeEvents = 1000;
inline constexpr char kEventText[] = "text";
inline constexpr size_t kMaxEventTextBytes = 2000;  // of a field; more is cut

enum class Severity { info, warning, error };
const char* severity_name(Severity severity);

// A field of an event: text, or a number.
struct EventField {
  const char* name;
  std::string json;
  std::string text;  // of a text
  EventField(const char* field_name, std::string_view text);
  EventField(const char* field_name, const std::string& text)
      : EventField(field_name, std::string_view(text)) {}
  EventField(const char* field_name, const char* text) : EventField(field_name, std::string_view(text)) {}
  EventField(const char* field_name, bool truth) : name(field_name), json(truth ? "true" : "false") {}
  template <typename T>
  requires std::is_integral_v<T> EventField(const char* field_name, T number)
      : name(field_name), json(std::to_string(number)) {}
};

class NodeEvents {
 public:
  // False: control is not there; all is told to it by tell_all() when it is.
  using Send = std::function<bool(const wire::Message&)>;

  NodeEvents(const Clock& clock, Send send) : clock_(clock), send_(std::move(send)) {}

  // `kind`: words with dots, "worker.died". The field "text" is a sentence for people, and every event has
  // it. `actor`: who wanted it; what is known of him are the fields by, from and reason. Returns the event's
  // id.
  uint64_t add(std::string_view kind, Severity severity, std::initializer_list<EventField> fields,
               const tools::Actor& actor = {});
  // Control has just connected.
  void tell_all() const;

 private:
  const Clock& clock_;
  Send send_;
  uint64_t last_id_ =
      0;  // the time in us, or one more than the last: a supervisor that follows has higher ones
  std::deque<wire::NodeEvent> kept_;
};

}  // namespace headgate::serve
