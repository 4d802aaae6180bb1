// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node_events.h"

#include <base/json_line.h>

#include <algorithm>
#include <cstring>

namespace headgate::serve {

const char* severity_name(Severity severity) {
  return severity == Severity::info ? "info" : severity == Severity::warning ? "warning" : "error";
}

EventField::EventField(const char* field_name, std::string_view text)
    : name(field_name),
      json(JsonLine::quoted(text.substr(0, kMaxEventTextBytes))),
      text(text.substr(0, kMaxEventTextBytes)) {}

uint64_t NodeEvents::add(std::string_view kind, Severity severity, std::initializer_list<EventField> fields,
                         const tools::Actor& actor) {
  wire::NodeEvent event;
  event.utc_us = clock_.utc_us();
  last_id_ = std::max<uint64_t>(last_id_ + 1, static_cast<uint64_t>(std::max<int64_t>(0, event.utc_us)));
  event.id = last_id_;
  event.kind = kind;
  event.severity = severity_name(severity);
  JsonLine line;
  for (const EventField& field : fields) {
    if (std::strcmp(field.name, kEventText) == 0)
      event.text = field.text;
    else
      line.raw(field.name, field.json);
  }
  for (const EventField& field :
       {EventField("by", actor.by), EventField("from", actor.from), EventField("reason", actor.reason)})
    if (!field.text.empty()) line.raw(field.name, field.json);
  event.json = line.take();
  kept_.push_back(std::move(event));
  if (kept_.size() > kMaxNodeEvents) kept_.pop_front();
  send_(kept_.back());
  return last_id_;
}

void NodeEvents::tell_all() const {
  for (const wire::NodeEvent& event : kept_)
    if (!send_(event)) return;
}

}  // namespace headgate::serve
