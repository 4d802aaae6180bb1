// SPDX-License-Identifier: LGPL-2.1-or-later
// What operators may make the supervisor do, by its verb. Requests come from headgate-control, which has
// checked who asks; what they say is checked here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <base/json.h>
#include <common/actor.h>
#include <wire/messages.h>

namespace headgate::serve {

// The members of a request's JSON object.
class Arguments {
 public:
  explicit Arguments(const std::string& json) : members_(Json::object_of(json)) {}
  std::string text(const char* name) const { return members_.text(name); }  // empty: it has none
  std::optional<int64_t> number(const char* name) const { return members_.at(name).as_integer(); }
  bool truth(const char* name, bool otherwise) const { return members_.truth(name, otherwise); }
  tools::Actor actor() const;  // members by, from and why; an older control says none

 private:
  Json members_;
};

class Operations {
 public:
  // An HTTP status, and an object; from 400 on {"error", "do"} (refusal()).
  using Done = std::function<void(unsigned code, const std::string& json)>;
  // `done` once, now or later.
  using Verb = std::function<void(const Arguments& arguments, Done done)>;

  void add(const std::string& name, Verb verb) { verbs_[name] = std::move(verb); }
  void carry_out(const wire::Operate& request, const std::function<void(const wire::Message&)>& answer);

 private:
  std::map<std::string, Verb> verbs_;
};

std::string refusal(const std::string& error, const std::string& remedy);

}  // namespace headgate::serve
