// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status_table.h"

#include <json-glib/json-glib.h>

#include <cmath>
#include <cstdio>
#include <memory>

namespace headgate::cli {
namespace {

struct NodeUnref {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};

// Members of an object that may be of another type, null or not there.
class Object {
 public:
  explicit Object(JsonObject* object) : object_(object) {}
  std::string text(const char* key, const char* otherwise = "-") const {
    JsonNode* node = member(key);
    return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : otherwise;
  }
  double number(const char* key) const {  // NaN: not known
    JsonNode* node = member(key);
    GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;
    return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double(node) : std::nan("");
  }
  bool flag(const char* key) const {
    JsonNode* node = member(key);
    return node && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
  }
  // Each object of an array, or the one that is there without one.
  template <typename Visit>
  void each(const char* key, Visit visit) const {
    JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
    if (node && JSON_NODE_HOLDS_OBJECT(node)) return visit(Object(json_node_get_object(node)));
    if (!node || !JSON_NODE_HOLDS_ARRAY(node)) return;
    JsonArray* array = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(array); ++i) {
      JsonNode* one = json_array_get_element(array, i);
      if (JSON_NODE_HOLDS_OBJECT(one)) visit(Object(json_node_get_object(one)));
    }
  }

 private:
  JsonNode* member(const char* key) const {
    JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
    return node && JSON_NODE_HOLDS_VALUE(node) ? node : nullptr;
  }
  JsonObject* object_;
};

std::string number_text(double number, const char* format = "%.0f") {
  if (std::isnan(number)) return "-";
  char text[48];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

std::string duration_text(double seconds) {
  if (std::isnan(seconds)) return "-";
  auto whole = static_cast<long long>(seconds);
  char text[48];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

std::string size_text(const Object& stream) {
  if (std::isnan(stream.number("width"))) return "-";
  return number_text(stream.number("width")) + "x" + number_text(stream.number("height"));
}

void append(std::string& out, const char* format, auto... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  out += line;
  out += '\n';
}

}  // namespace

std::string status_table(const std::string& json) {
  std::unique_ptr<JsonNode, NodeUnref> root(json_from_string(json.c_str(), nullptr));
  bool good = root && JSON_NODE_HOLDS_OBJECT(root.get());
  Object node(good ? json_node_get_object(root.get()) : nullptr);
  std::string out;
  append(out, "node %s, since %s", node.text("version").c_str(), node.text("since_utc").c_str());
  if (node.flag("issuer_secret"))
    out += "an issuer's secret key lies on this node: give it only the node/ of the keys' folder\n";
  node.each("recovery", [&](const Object& recovery) {
    if (recovery.text("state") == "running")
      append(out, "the archive is being recovered: %s of %s stations",
             number_text(recovery.number("stations")).c_str(), number_text(recovery.number("of")).c_str());
    else if (recovery.text("state") == "failed")
      out += "the archive's recovery found damage: see the log, or run `headgate archive recover`\n";
  });
  append(out, "%-8s %8s %9s  %s", "WORKER", "PID", "SESSIONS", "STATE");
  node.each("workers", [&](const Object& worker) {
    std::string sessions =
        number_text(worker.number("sessions")) + "/" + number_text(worker.number("capacity"));
    std::string state = worker.flag("accepting") ? "accepting" : worker.text("reason");
    append(out, "%-8s %8s %9s  %s", number_text(worker.number("worker")).c_str(),
           number_text(worker.number("pid")).c_str(), sessions.c_str(), state.c_str());
  });
  append(out, "%-8s %-8s %8s %6s %10s %5s %9s %11s  %s", "STATION", "STATE", "KBIT/S", "FPS", "SIZE", "GAPS",
         "SESSIONS", "ARCHIVED", "PEER");
  node.each("streams", [&](const Object& stream) {
    append(out, "%-8s %-8s %8s %6s %10s %5s %9s %11s  %s", number_text(stream.number("station")).c_str(),
           stream.text("state").c_str(), number_text(stream.number("kbps")).c_str(),
           number_text(stream.number("fps"), "%.2f").c_str(), size_text(stream).c_str(),
           number_text(stream.number("gaps")).c_str(), number_text(stream.number("sessions")).c_str(),
           duration_text(stream.number("duration_s")).c_str(), stream.text("peer").c_str());
  });
  return out;
}

}  // namespace headgate::cli
