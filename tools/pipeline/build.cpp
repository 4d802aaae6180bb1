// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/masked.h>
#include <common/siblings.h>
#include <pipeline/build.h>
#include <pipeline/graph.h>
#include <pipeline/late_pads.h>
#include <pipeline/mistakes.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace headgate::pipeline {
namespace {

constexpr char kProbe[] = "healthprobe";

// The first element of the line that there is no factory for. gst_parse_launch tells so too, but 1.22 crashes
// when a link names two such elements.
std::string missing_element(const std::string& launch_line) {
  std::string word;
  bool quoted = false;
  for (size_t i = 0; i <= launch_line.size(); ++i) {
    char c = i < launch_line.size() ? launch_line[i] : ' ';
    if (c == '\\') {  // what follows it is taken as it is
      word += c;
      ++i;
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (quoted || !g_ascii_isspace(c)) {
      word += c;
      continue;
    }
    bool element = !word.empty() && std::all_of(word.begin(), word.end(), [](char letter) {
      return g_ascii_isalnum(letter) || letter == '_' || letter == '-';
    });
    GstElementFactory* factory = element ? gst_element_factory_find(word.c_str()) : nullptr;
    if (element && !factory) return word;
    gst_clear_object(&factory);
    word.clear();
  }
  return "";
}

bool is_word(char c) {
  return g_ascii_isalnum(c) || c == '_' || c == '-';
}

bool has_word(const std::string& text, const std::string& word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

// What stands in quotes in one of gst_parse's messages.
std::vector<std::string> quoted_words(const std::string& message) {
  std::vector<std::string> out;
  for (size_t open = message.find('"'); open != std::string::npos;) {
    const size_t close = message.find('"', open + 1);
    if (close == std::string::npos) break;
    if (close > open + 1) out.push_back(message.substr(open + 1, close - open - 1));
    open = message.find('"', close + 1);
  }
  return out;
}

// The first line that has the most of the words; the first line of all if none does.
const Line& guilty(const std::vector<Line>& lines, const std::vector<std::string>& words) {
  const auto score = [&](const Line& line) {
    return std::count_if(words.begin(), words.end(),
                         [&](const auto& word) { return has_word(line.text, word); });
  };
  return *std::max_element(lines.begin(), lines.end(),
                           [&](const Line& a, const Line& b) { return score(a) < score(b); });
}

// The line in which an element stands, by its place among those of its kind.
const Line& line_of(const std::vector<Line>& lines, const Graph& graph, size_t element) {
  const std::string& factory = graph.elements[element].factory;
  auto before = std::count_if(graph.elements.begin(), graph.elements.begin() + static_cast<long>(element),
                              [&](const auto& one) { return one.factory == factory; });
  for (const Line& line : lines) {
    std::istringstream words(line.text);
    for (std::string word; words >> word;)
      if (word == factory && before-- == 0) return line;
  }
  return lines.front();
}

std::string advice(const GError* error, const std::vector<std::string>& words) {
  if (error->domain != GST_PARSE_ERROR) return "";
  switch (error->code) {
    case GST_PARSE_ERROR_NO_SUCH_PROPERTY:
    case GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY:
      return words.empty() ? "" : "; gst-inspect-1.0 lists what the element has";
    case GST_PARSE_ERROR_LINK:
      return "; gst-inspect-1.0 lists the elements' pads and their formats";
    case GST_PARSE_ERROR_SYNTAX:
      return "; gst-launch-1.0(1) has the grammar";
    default:
      return "";
  }
}

Result<PipelinePtr> parse(const Description& description, const std::vector<Line>& lines) {
  const auto wrong = [&](const std::vector<std::string>& words, const std::string& reason) {
    if (lines.empty()) return Unexpected(description.file() + ": /elements: " + reason);
    return Unexpected(guilty(lines, words).place() + ": " + reason);
  };
  std::string all;
  for (const Line& line : lines) all += line.text + "\n";
  if (const std::string missing = missing_element(all); !missing.empty())
    return wrong({missing}, "no element \"" + missing + "\"; gst-inspect-1.0 lists those that are installed");
  const auto graph = graph_of(all);
  GError* error = nullptr;
  GstElement* parsed = gst_parse_launch_full(all.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!parsed) {
    const std::vector<std::string> words = quoted_words(error ? error->message : "");
    const std::string text = error ? masked(error->message) + advice(error, words) : "cannot be parsed";
    const bool unknown = g_error_matches(error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT);
    g_clear_error(&error);
    // Of a name that nobody has gst_parse tells another one, or none.
    if (unknown && !graph && graph.error().message.starts_with(kUnnamed))
      return wrong(quoted_words(graph.error().message), graph.error().message);
    return wrong(words, text);
  }
  g_clear_error(&error);
  PipelinePtr pipeline(GST_ELEMENT(gst_object_ref_sink(parsed)));
  if (!GST_IS_PIPELINE(pipeline.get()))
    return wrong({}, "is one element alone: a pipeline has two at least, linked by !");
  // Bins in parentheses are no graph of ours: of their links GStreamer tells.
  if (graph) {
    if (const std::string fault = expect_late_pads(pipeline.get(), *graph); !fault.empty())
      return wrong(quoted_words(fault), fault + "; gst-inspect-1.0 lists its pads");
    if (const auto unfed = unfed_element(*graph))
      return Unexpected(line_of(lines, *graph, *unfed).place() + ": nothing leads to \"" +
                        graph->elements[*unfed].factory + "\": a link (!) is missing before it");
  }
  if (const std::string fault = wrong_rungs(pipeline.get()); !fault.empty()) return wrong({"rungs"}, fault);
  return pipeline;
}

Result<void> check_source(const Description& description, GstElement* pipeline) {
  PipelinePtr source(gst_bin_get_by_name(GST_BIN(pipeline), kSourceName));
  const std::string front = description.file() + ": /elements: ";
  if (!source)
    return Unexpected(front + "no element is named \"" + kSourceName +
                      "\": the one that takes a session's connection (ticketsrc name=" + kSourceName + ")");
  for (const char* property : {"session-fd", "session-state", "session-info", "stats"})
    if (!g_object_class_find_property(G_OBJECT_GET_CLASS(source.get()), property))
      return Unexpected(front + "\"" + kSourceName + "\" has no property " + property + ", as ticketsrc has");
  return {};
}

Result<void> set_health(const Description& description, GstElement* pipeline) {
  bool found = false;
  const auto set = [&](const GValue* value) {
    GObject* element = static_cast<GObject*>(g_value_get_object(value));
    GstElementFactory* factory = gst_element_get_factory(GST_ELEMENT(element));
    if (!factory || std::string_view(GST_OBJECT_NAME(factory)) != kProbe) return;
    found = true;
    const Health& health = description.health();
    GValue number = G_VALUE_INIT;  // made what the property is
    g_value_init(&number, G_TYPE_DOUBLE);
    for (size_t i = 0; i < kHealthKeys.size(); ++i) {
      const auto value = health.at(i);
      if (!value) continue;
      g_value_set_double(&number, *value);
      g_object_set_property(element, kHealthKeys[i].property, &number);
    }
    g_value_unset(&number);
  };
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
  gst_iterator_foreach(
      elements, +[](const GValue* value, gpointer data) { (*static_cast<decltype(set)*>(data))(value); },
      const_cast<gpointer>(static_cast<gconstpointer>(&set)));
  gst_iterator_free(elements);
  if (found) return {};
  return Unexpected(description.file() + ": /health: there is no " + kProbe +
                    " in \"elements\" to set it on");
}

}  // namespace

void find_plugins() {
  GstElementFactory* factory = gst_element_factory_find("ticketsrc");
  if (factory) return gst_object_unref(factory);
  for (const std::string& folder : tools::plugin_folders())
    gst_registry_scan_path(gst_registry_get(), folder.c_str());
}

Result<PipelinePtr> build(const Description& description, const Values& values) {
  auto lines = description.lines(values);
  if (!lines) return Unexpected(lines.error());
  auto pipeline = parse(description, *lines);
  if (!pipeline) return pipeline;
  if (description.trigger() == Trigger::ticket)
    if (auto good = check_source(description, pipeline->get()); !good) return Unexpected(good.error());
  if (description.health().any())
    if (auto good = set_health(description, pipeline->get()); !good) return Unexpected(good.error());
  return pipeline;
}

}  // namespace headgate::pipeline
