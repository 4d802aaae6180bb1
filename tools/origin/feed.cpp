// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feed.h"

#include <utility>

namespace headgate::origin {

WorkerFeed::WorkerFeed(Loop& loop, std::string runtime_dir, Catalog& catalog)
    : catalog_(catalog),
      feed_(loop, std::move(runtime_dir), "origin",
            {[this](const std::string& name) {
               // It answers in turn: when it has told what a Hello is told.
               if (feed_.send(name, wire::GetListeners{})) telling_.insert(name);
             },
             [this](const std::string& name, const wire::Message& message) { on_message(name, message); },
             [this](const std::string& name) { on_closed(name); }}) {}

void WorkerFeed::want(uint32_t worker, uint64_t session, const std::string& rendition) {
  for (const auto& [name, state] : states_)
    if (state.worker == worker) feed_.send(name, wire::WantRendition{session, rendition});
}

void WorkerFeed::on_closed(const std::string& name) {
  if (auto state = states_.extract(name)) catalog_.worker_gone(state.mapped().worker);
  telling_.erase(name);
}

void WorkerFeed::on_message(const std::string& name, const wire::Message& message) {
  if (auto* state = std::get_if<wire::WorkerState>(&message))
    states_[name] = *state;
  else if (auto* opened = std::get_if<wire::SessionOpened>(&message))
    catalog_.session_opened(states_[name].worker, *opened);
  else if (auto* records = std::get_if<wire::StreamRecords>(&message))
    catalog_.records(*records);
  else if (auto* health = std::get_if<wire::SessionHealth>(&message))
    catalog_.health(*health);
  else if (auto* picture = std::get_if<wire::SessionPicture>(&message))
    catalog_.picture(*picture);
  else if (std::holds_alternative<wire::Listeners>(message))
    telling_.erase(name);
  else if (auto* closed = std::get_if<wire::SessionClosed>(&message))
    catalog_.session_closed(*closed);
}

}  // namespace headgate::origin
