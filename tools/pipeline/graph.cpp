// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <pipeline/graph.h>

#include <algorithm>
#include <map>
#include <optional>

namespace headgate::pipeline {
namespace {

// Quotes and backslashes are taken off, as gst-launch does.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false, begun = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      begun = true;
    } else if (c == '"') {
      quoted = !quoted;
      begun = true;
    } else if (quoted || !g_ascii_isspace(c)) {
      word += c;
      begun = true;
    } else if (begun) {
      out.push_back(std::move(word));
      word.clear();
      begun = false;
    }
  }
  if (begun) out.push_back(std::move(word));
  return out;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return g_ascii_isalnum(c) || c == '_' || c == '-' || c == '%' || c == ':';
  });
}

bool is_caps(const std::string& word) {
  const size_t slash = word.find('/');
  return slash != std::string::npos && slash < word.find('=') &&
         is_identifier(std::string_view(word).substr(0, slash));
}

class Reader {
 public:
  Result<Graph> read(const std::string& line) {
    for (const std::string& word : words_of(line))
      if (!take(word)) return Unexpected(error_);
    if (open_) return Unexpected("a ! without an element behind it");
    return resolve();
  }

 private:
  struct End {
    std::string name, pad;  // of a reference
    std::optional<size_t> element;
  };
  struct Named {
    End from, to;
    std::string caps;
  };

  bool fail(const std::string& reason) {
    error_ = reason;
    return false;
  }

  bool take(const std::string& word) {
    if (in_caps_) {
      caps_ += " " + word;
      in_caps_ = word.ends_with(',');
      return true;
    }
    if (word == "!") {
      if (!last_ || (open_ && caps_.empty())) return fail("a ! without an element before it");
      open_ = true;
      return true;
    }
    if (is_caps(word)) {
      if (!open_) return fail("a filter without a ! before it: " + word);
      caps_ = word;
      in_caps_ = word.ends_with(',');
      return true;
    }
    const size_t equals = word.find('=');
    if (equals != std::string::npos && is_identifier(std::string_view(word).substr(0, equals)))
      return property(word.substr(0, equals), word.substr(equals + 1));
    const size_t dot = word.find('.');
    if (dot != std::string::npos && is_identifier(std::string_view(word).substr(0, dot)))
      return reach({word.substr(0, dot), word.substr(dot + 1), {}});
    if (!is_identifier(word)) return fail("neither an element nor a property: " + word);
    if (out_.elements.size() >= kMaxGraphElements) return fail("too many elements");
    out_.elements.push_back({word, word + std::to_string(count_[word]++), {}});
    return reach({{}, {}, out_.elements.size() - 1});
  }

  bool property(const std::string& name, const std::string& value) {
    if (out_.elements.empty()) return fail("a property without an element: " + name);
    if (name == "name")
      out_.elements.back().name = value;
    else
      out_.elements.back().properties.emplace_back(name, value);
    return true;
  }

  bool reach(End end) {
    if (open_) links_.push_back({*last_, end, std::move(caps_)});
    open_ = false;
    caps_.clear();
    last_ = std::move(end);
    return true;
  }

  Result<Graph> resolve() {
    std::map<std::string, size_t> names;
    for (size_t i = 0; i < out_.elements.size(); ++i) names[out_.elements[i].name] = i;
    for (const Named& link : links_) {
      for (const End* end : {&link.from, &link.to})
        if (!end->element && names.count(end->name) == 0)
          return Unexpected(kUnnamed + ("\"" + end->name + "\""));
      const auto index = [&](const End& end) { return end.element ? *end.element : names.at(end.name); };
      out_.links.push_back({index(link.from), index(link.to), link.from.pad, link.to.pad, link.caps});
    }
    return std::move(out_);
  }

  Graph out_;
  std::vector<Named> links_;
  std::map<std::string, int> count_;
  std::optional<End> last_;
  bool open_ = false;     // behind a !
  bool in_caps_ = false;  // whose words go on
  std::string caps_, error_;
};

}  // namespace

Result<Graph> graph_of(const std::string& launch_line) {
  return Reader().read(launch_line);
}

}  // namespace headgate::pipeline
