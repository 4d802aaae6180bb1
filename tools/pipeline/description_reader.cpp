// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading a description: every key is known, typed and used, or the file is refused.
#include <pipeline/description.h>
#include <pipeline/parameter_reader.h>
#include <pipeline/silence.h>

#include <algorithm>
#include <set>

namespace headgate::pipeline {
namespace {

constexpr int64_t kMs = 1'000'000, kSecond = 1000 * kMs, kDay = 86'400 * kSecond;

// A fragment's text has been read: what it adds to the description that uses it.
struct Fragment {
  std::vector<Parameter> parameters;
  std::vector<Line> lines;
};

bool read_line(Document& document, const Json& node, const std::string& pointer, std::vector<Line>& lines) {
  auto text = document.text(node, pointer);
  if (!text) return false;
  if (lines.size() >= kMaxLines)
    return document.wrong(node, pointer, "is one of more than " + std::to_string(kMaxLines) + " lines");
  lines.push_back({*std::move(text), document.file(), pointer, node.place().line, node.place().column});
  return true;
}

// Every ${…} is a parameter's, with a unit that it has. What is used is noted.
bool check_references(Document& document, JsonPlace at, const std::string& pointer, const std::string& text,
                      const std::vector<Parameter>& parameters, bool inside_choice,
                      std::set<std::string>& used) {
  auto all = references(text);
  if (!all) return document.wrong(at, pointer, all.error().message);
  for (const Reference& reference : *all) {
    auto found = std::find_if(parameters.begin(), parameters.end(),
                              [&](const Parameter& one) { return one.name == reference.name; });
    const std::string what = "${" + reference.name + "}";
    if (found == parameters.end()) return document.wrong(at, pointer, what + " is not a parameter");
    if (!reference.unit.empty() && !is_unit(found->type, reference.unit))
      return document.wrong(at, pointer,
                            what + " has no unit \"" + reference.unit + "\"" +
                                (has_units(found->type) ? "; there are " + unit_names(found->type) : ""));
    if (inside_choice && found->type == Type::choice)
      return document.wrong(at, pointer, what + " is an enum: one does not stand in another's text");
    used.insert(reference.name);
  }
  return true;
}

// Of one file: its lines use its parameters, and all of these.
void check_use(Document& document, const Json& top, const std::vector<Line>& lines,
               const std::vector<Parameter>& own, const std::vector<Parameter>& all) {
  std::set<std::string> used;
  for (const Line& line : lines) {
    if (line.file == document.file())
      check_references(document, {line.line, line.column}, line.pointer, line.text, all, false, used);
  }
  const Json* parameters = top.find("parameters");
  for (const Parameter& parameter : own) {
    const Json& node = *parameters->find(parameter.name);
    const std::string pointer = pointer_to("/parameters", parameter.name);
    for (const auto& [name, text] : parameter.values)
      check_references(document, node.place(), pointer_to(pointer + "/values", name), text, all, true, used);
  }
  for (const Parameter& parameter : own)
    if (used.count(parameter.name) == 0)
      document.wrong(*parameters->find(parameter.name), pointer_to("/parameters", parameter.name),
                     "is not used in \"elements\"");
}

bool read_fragment(Document& document, const std::string& json, const std::string& name, Fragment& out) {
  Json top;
  if (!document.parse(json, top)) return false;
  if (!document.keys(top, "", {"$schema", "name", "about", "parameters", "elements"}, {"name", "elements"},
                     "a fragment"))
    return false;
  for (const char* key : {"$schema", "name", "about"})
    if (const Json* node = top.find(key); node && !document.text(*node, pointer_to("", key))) return false;
  if (const Json& own = *top.find("name"); own.token() != name)
    return document.wrong(own, "/name", "is not that of the file: \"" + name + "\"");
  if (const Json* parameters = top.find("parameters")) {
    out.parameters = read_parameters(document, *parameters, "/parameters");
    if (out.parameters.size() != parameters->items().size()) return false;
  }
  const Json& elements = *top.find("elements");
  if (elements.is(Json::Kind::array)) {
    for (size_t i = 0; i < elements.items().size(); ++i)
      if (!read_line(document, elements.items()[i], "/elements/" + std::to_string(i), out.lines))
        return false;
  } else if (!read_line(document, elements, "/elements", out.lines)) {
    return false;
  }
  check_use(document, top, out.lines, out.parameters, out.parameters);
  return true;
}

}  // namespace

class DescriptionReader {
 public:
  DescriptionReader(const std::string& file, const Fragments& fragments)
      : document_(file, faults_), fragments_(fragments) {
    out_.file_ = file;
  }

  Result<Description> read(const std::string& json) {
    if (document_.parse(json, top_)) read_top();
    if (faults_.empty()) return out_;
    std::string all;
    for (const std::string& fault : faults_) all += (all.empty() ? "" : "\n") + fault;
    return Unexpected(all);
  }

 private:
  void read_top() {
    if (!document_.keys(top_, "",
                        {"$schema", "name", "about", "parameters", "elements", "trigger", "schedule",
                         "listen", "restart", "resources", "health", "grace-seconds"},
                        {"name", "elements"}, "a pipeline description"))
      return;
    for (const auto& [key, target] : {std::pair("name", &out_.name_), std::pair("about", &out_.about_)})
      if (const Json* node = top_.find(key))
        if (auto text = document_.text(*node, pointer_to("", key))) *target = *std::move(text);
    if (const Json* schema = top_.find("$schema")) document_.text(*schema, "/$schema");
    if (const Json& name = *top_.find("name"); name.is(Json::Kind::string))
      document_.is_name(name.token(), name, "/name");
    if (const Json* node = top_.find("parameters")) own_ = read_parameters(document_, *node, "/parameters");
    read_trigger();
    read_elements(*top_.find("elements"));
    read_policy();
    if (!faults_.empty()) return;
    out_.parameters_.insert(out_.parameters_.begin(), own_.begin(), own_.end());
    if (out_.parameters_.size() > kMaxParameters)
      document_.wrong(top_, "/parameters",
                      "are more than " + std::to_string(kMaxParameters) + " with fragments'");
    std::vector<Line> lines = out_.lines_;
    if (out_.trigger_ == Trigger::listen) {
      add_connection();
      lines.push_back(out_.listen_.tcp);
    }
    if (faults_.empty()) check_use(document_, top_, lines, own_, out_.parameters_);
  }

  void read_trigger() {
    if (const Json* node = top_.find("trigger")) {
      auto text = document_.text(*node, "/trigger");
      if (!text) return;
      bool known = false;
      for (Trigger one : {Trigger::ticket, Trigger::always, Trigger::listen, Trigger::schedule}) {
        if (*text != trigger_name(one)) continue;
        out_.trigger_ = one;
        known = true;
      }
      if (!known) {
        document_.wrong(*node, "/trigger", "is not ticket, always, listen or schedule");
        return;
      }
    }
    const auto read = [&](const char* key, Trigger of, void (DescriptionReader::*read_it)(const Json&)) {
      const Json* node = top_.find(key);
      const std::string pointer = pointer_to("", key);
      if (node && out_.trigger_ != of)
        document_.wrong(*node, pointer, std::string("is for pipelines with the trigger ") + trigger_name(of));
      else if (node)
        (this->*read_it)(*node);
      else if (out_.trigger_ == of)
        document_.wrong(top_, pointer,
                        std::string("is not there: the trigger ") + trigger_name(of) + " needs it");
    };
    read("schedule", Trigger::schedule, &DescriptionReader::read_schedule);
    read("listen", Trigger::listen, &DescriptionReader::read_listen);
  }

  void read_schedule(const Json& node) {
    if (!node.is(Json::Kind::array) || node.items().empty()) {
      document_.wrong(node, "/schedule", "is not an array of times");
      return;
    }
    for (size_t i = 0; i < node.items().size(); ++i) {
      const Json& item = node.items()[i];
      const std::string pointer = "/schedule/" + std::to_string(i);
      if (!document_.keys(item, pointer, {"from", "until", "days", "zone"}, {"from", "until"}, "a time"))
        return;
      std::string from, until, days, zone;
      for (const auto& [key, target] : {std::pair("from", &from), std::pair("until", &until),
                                        std::pair("days", &days), std::pair("zone", &zone)})
        if (const Json* text = item.find(key)) {
          auto value = document_.text(*text, pointer_to(pointer, key));
          if (!value) return;
          *target = *std::move(value);
        }
      if (auto added = out_.schedule_.add(from, until, days, zone); !added)
        document_.wrong(item, pointer, added.error().message);
    }
  }

  void read_listen(const Json& node) {
    if (!document_.keys(node, "/listen", {"tcp", "most"}, {"tcp"}, "\"listen\"")) return;
    const Json& tcp = *node.find("tcp");
    auto text = document_.text(tcp, "/listen/tcp");
    if (!text) return;
    out_.listen_.tcp = {*std::move(text), document_.file(), "/listen/tcp", tcp.place().line,
                        tcp.place().column};
    if (const Json* most = node.find("most"))
      if (auto number = document_.integer(*most, "/listen/most", 1, kMaxConnections))
        out_.listen_.most = *number;
  }

  // ${connection} is no parameter of the file's: who listens gives it.
  void add_connection() {
    if (out_.has_parameter(kConnection)) {
      document_.wrong(top_, pointer_to("/parameters", kConnection),
                      "stands for the connection that was accepted, with the trigger listen");
      return;
    }
    const std::string reference = std::string("${") + kConnection + "}";
    if (std::none_of(out_.lines_.begin(), out_.lines_.end(),
                     [&](const Line& line) { return line.text.find(reference) != std::string::npos; })) {
      document_.wrong(*top_.find("elements"), "/elements",
                      "do not use the connection: fdsrc fd=" + reference + ", say");
      return;
    }
    Parameter connection;
    connection.name = kConnection;
    connection.type = Type::integer;
    connection.about = "descriptor of the connection that was accepted";
    connection.least = "0";
    out_.parameters_.push_back(std::move(connection));
  }

  // One string, or an array of lines and fragments.
  void read_elements(const Json& node) {
    if (!node.is(Json::Kind::array)) {
      if (!node.is(Json::Kind::string))
        document_.wrong(node, "/elements", "is not a string or an array of lines and fragments");
      else
        read_line(document_, node, "/elements", out_.lines_);
      return;
    }
    for (size_t i = 0; i < node.items().size(); ++i) {
      const std::string pointer = "/elements/" + std::to_string(i);
      if (node.items()[i].is(Json::Kind::object))
        read_use(node.items()[i], pointer);
      else
        read_line(document_, node.items()[i], pointer, out_.lines_);
    }
  }

  void read_use(const Json& node, const std::string& pointer) {
    if (!document_.keys(node, pointer, {"use", "set"}, {"use"}, "the use of a fragment")) return;
    const Json& use = *node.find("use");
    auto name = document_.text(use, pointer + "/use");
    if (!name || !document_.is_name(*name, use, pointer + "/use")) return;
    if (std::find(out_.fragments_.begin(), out_.fragments_.end(), *name) != out_.fragments_.end()) {
      document_.wrong(use, pointer + "/use", "uses a fragment twice: \"" + *name + "\"");
      return;
    }
    auto text = fragments_(*name);
    if (!text) {
      document_.wrong(use, pointer + "/use", "no fragment \"" + *name + "\": " + text.error().message);
      return;
    }
    Fragment fragment;
    Document document(text->file, faults_);
    if (!read_fragment(document, text->text, *name, fragment)) return;
    out_.fragments_.push_back(*name);
    if (const Json* set = node.find("set")) read_set(*set, pointer + "/set", fragment);
    for (Parameter& parameter : fragment.parameters) add(std::move(parameter), use, pointer);
    if (out_.lines_.size() + fragment.lines.size() > kMaxLines) {
      document_.wrong(use, pointer, "are more than " + std::to_string(kMaxLines) + " lines");
      return;
    }
    out_.lines_.insert(out_.lines_.end(), fragment.lines.begin(), fragment.lines.end());
  }

  // Other defaults for a fragment's parameters.
  void read_set(const Json& set, const std::string& pointer, Fragment& fragment) {
    if (!document_.is_object(set, pointer)) return;
    for (size_t i = 0; i < set.items().size(); ++i) {
      const std::string place = pointer_to(pointer, set.keys()[i]);
      auto found = std::find_if(fragment.parameters.begin(), fragment.parameters.end(),
                                [&](const Parameter& one) { return one.name == set.keys()[i]; });
      if (found == fragment.parameters.end())
        document_.wrong(set.items()[i], place, "is not a parameter of the fragment");
      else if (auto value = read_value(document_, *found, set.items()[i], place))
        found->preset = *std::move(value);
    }
  }

  void add(Parameter parameter, const Json& at, const std::string& pointer) {
    const auto same = [&](const Parameter& one) { return one.name == parameter.name; };
    if (std::any_of(own_.begin(), own_.end(), same) || out_.has_parameter(parameter.name))
      document_.wrong(at, pointer, "its parameter \"" + parameter.name + "\" is one already");
    else
      out_.parameters_.push_back(std::move(parameter));
  }

  void read_policy() {
    if (const Json* restart = top_.find("restart")) read_restart(*restart);
    if (const Json* resources = top_.find("resources")) read_resources(*resources);
    if (const Json* health = top_.find("health")) read_health(*health);
    if (const Json* grace = top_.find("grace-seconds")) {
      if (!for_tickets(*grace, "/grace-seconds")) return;
      if (auto seconds = document_.integer(*grace, "/grace-seconds", 0, 86'400))
        out_.grace_ms_ = *seconds * 1000;
    }
  }

  bool for_tickets(const Json& node, const std::string& pointer) {
    return out_.trigger_ == Trigger::ticket ||
           document_.wrong(node, pointer, "is for pipelines with the trigger ticket");
  }

  void read_restart(const Json& node) {
    const bool ticket = out_.trigger_ == Trigger::ticket;
    const std::vector<const char*> known =
        ticket ? std::vector<const char*>{"errors-per-minute"}
        : out_.trigger_ == Trigger::listen
            ? std::vector<const char*>{"alarm-after", "silence"}  // who connects again begins anew
            : std::vector<const char*>{"pause",         "max-pause", "steady", "alarm-after",
                                       "give-up-after", "silence",   "again"};
    if (!document_.keys(node, "/restart", known, {},
                        ticket ? "\"restart\" with the trigger ticket" : "\"restart\" with this trigger"))
      return;
    RestartPolicy& restart = out_.restart_;
    const auto count = [&](const char* key, int64_t least, int64_t& target) {
      const Json* value = node.find(key);
      if (!value) return;
      if (auto number = document_.integer(*value, pointer_to("/restart", key), least, 1000)) target = *number;
    };
    const auto time = [&](const char* key, int64_t& target_ms, int64_t least_ns = 10 * kMs) {
      const Json* value = node.find(key);
      if (!value) return;
      if (auto ns = document_.duration(*value, pointer_to("/restart", key), least_ns, kDay))
        target_ms = *ns / kMs;
    };
    count("errors-per-minute", 1, restart.errors_per_minute);
    count("alarm-after", 1, restart.alarm_after);
    count("give-up-after", 0, restart.give_up_after);
    time("pause", restart.pause_ms);
    restart.max_pause_ms = std::max(restart.max_pause_ms, restart.pause_ms);
    time("max-pause", restart.max_pause_ms);
    time("steady", restart.steady_ms);
    if (const Json* again = node.find("again"))
      restart.again = document_.truth(*again, "/restart/again").value_or(false);
    time("silence", restart.silence_ms, 0);
    if (restart.silence_ms != 0 && restart.silence_ms < kLeastSilenceMs)
      document_.wrong(
          *node.find("silence"), "/restart/silence",
          "is neither 0s, which is never, nor from " + std::to_string(kLeastSilenceMs) + " ms on");
    if (restart.max_pause_ms < restart.pause_ms)
      document_.wrong(node, "/restart/max-pause", "is shorter than \"pause\"");
  }

  void read_resources(const Json& node) {
    if (!document_.keys(node, "/resources", {"streams-per-worker", "memory", "cpu"}, {}, "\"resources\""))
      return;
    const Json* streams = node.find("streams-per-worker");
    if (streams && for_tickets(*streams, "/resources/streams-per-worker"))
      if (auto number = document_.integer(*streams, "/resources/streams-per-worker", 1, 10'000))
        out_.streams_per_worker_ = *number;
    const auto limit = [&](const char* key, std::optional<int64_t>& target) {
      if (const Json* value = node.find(key))
        if (auto number = document_.integer(*value, pointer_to("/resources", key), 0, 1'000'000))
          target = *number;
    };
    limit("memory", out_.resources_.memory_mib);
    limit("cpu", out_.resources_.cpu);
  }

  void read_health(const Json& node) {
    std::vector<const char*> known;
    for (const HealthKey& one : kHealthKeys) known.push_back(one.key);
    if (!document_.keys(node, "/health", known, {}, "\"health\"")) return;
    for (size_t i = 0; i < kHealthKeys.size(); ++i) {
      const HealthKey& one = kHealthKeys[i];
      const Json* value = node.find(one.key);
      if (!value) continue;
      if (const auto number = health_number(one, *value)) out_.health_.set(i, *number);
    }
  }
  std::optional<double> health_number(const HealthKey& of, const Json& value) {
    const std::string pointer = pointer_to("/health", of.key);
    const auto least = static_cast<int64_t>(of.least), most = static_cast<int64_t>(of.most);
    switch (of.unit) {
      case HealthUnit::duration:
        return document_.duration(value, pointer, least, most);
      case HealthUnit::bitrate:
        return document_.bit_rate(value, pointer, most);
      case HealthUnit::count:
        return document_.integer(value, pointer, least, most);
      case HealthUnit::number:
        return document_.number(value, pointer, of.least, of.most);
    }
    return std::nullopt;
  }

  std::vector<std::string> faults_;
  Document document_;
  const Fragments& fragments_;
  Json top_;
  std::vector<Parameter> own_;
  Description out_;
};

Result<Description> Description::parse(const std::string& json, const std::string& file,
                                       const Fragments& fragments) {
  return DescriptionReader(file, fragments).read(json);
}

}  // namespace headgate::pipeline
