// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pipeline/graph.h>

#include <algorithm>
#include <string_view>

namespace headgate::pipeline {
namespace {

// Pixels.
constexpr int kBoxWidth = 210, kGapX = 110, kGapY = 30, kMargin = 24, kLine = 15, kHead = 40, kTitle = 34;
constexpr size_t kMaxRows = 9, kMaxText = 34;

struct Box {
  size_t column = 0;
  int x = 0, y = 0, height = 0;
  std::vector<size_t> in, out;  // links
};

std::string xml(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

// Cut between characters of UTF-8.
std::string shortened(const std::string& text) {
  if (text.size() <= kMaxText) return text;
  size_t end = kMaxText - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

class Drawing {
 public:
  explicit Drawing(const Graph& graph) : graph_(graph), boxes_(graph.elements.size()) {
    for (size_t i = 0; i < graph.links.size(); ++i) {
      boxes_[graph.links[i].from].out.push_back(i);
      boxes_[graph.links[i].to].in.push_back(i);
    }
    for (size_t i = 0; i < boxes_.size(); ++i)
      boxes_[i].height = kHead + kLine * static_cast<int>(rows(i)) + (rows(i) > 0 ? 6 : 0);
    choose_columns();
    place();
  }

  std::string svg(const std::string& title) const {
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + std::to_string(width_) +
                      " " + std::to_string(height_) + "\" width=\"" + std::to_string(width_) +
                      "\" height=\"" + std::to_string(height_) +
                      "\" font-family=\"sans-serif\" font-size=\"12\">\n" + "<title>" + xml(title) +
                      "</title>\n" + "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
                      text(kMargin, 24, title, "15\" font-weight=\"bold");
    for (size_t i = 0; i < graph_.links.size(); ++i) out += curve(i);
    for (size_t i = 0; i < boxes_.size(); ++i) out += box(i);
    return out + "</svg>\n";
  }

 private:
  size_t rows(size_t i) const { return std::min(graph_.elements[i].properties.size(), kMaxRows); }

  // Each is right of all that leads to it. A circle is cut: no path is longer than there are elements.
  void choose_columns() {
    for (size_t round = 0; round < boxes_.size(); ++round) {
      bool moved = false;
      for (const Graph::Link& link : graph_.links) {
        size_t& column = boxes_[link.to].column;
        const size_t wanted = boxes_[link.from].column + 1;
        if (link.from == link.to || column >= wanted || wanted >= boxes_.size()) continue;
        column = wanted;
        moved = true;
      }
      if (!moved) return;
    }
  }

  // In the order of the middle of what leads to it.
  void place() {
    std::vector<std::vector<size_t>> columns;
    for (size_t i = 0; i < boxes_.size(); ++i) {
      if (boxes_[i].column >= columns.size()) columns.resize(boxes_[i].column + 1);
      columns[boxes_[i].column].push_back(i);
    }
    for (std::vector<size_t>& column : columns) {
      std::stable_sort(column.begin(), column.end(),
                       [&](size_t a, size_t b) { return middle_before(a) < middle_before(b); });
      int y = kMargin + kTitle;
      for (size_t i : column) {
        boxes_[i].x = kMargin + static_cast<int>(boxes_[i].column) * (kBoxWidth + kGapX);
        boxes_[i].y = std::max(y, middle_before(i) - boxes_[i].height / 2);
        y = boxes_[i].y + boxes_[i].height + kGapY;
        width_ = std::max(width_, boxes_[i].x + kBoxWidth + kMargin);
        height_ = std::max(height_, boxes_[i].y + boxes_[i].height + kMargin);
      }
    }
  }

  int middle_before(size_t i) const {
    int sum = 0, count = 0;
    for (size_t link : boxes_[i].in) {
      const Box& from = boxes_[graph_.links[link].from];
      if (from.column >= boxes_[i].column) continue;
      sum += port(from, from.out, link);
      ++count;
    }
    return count == 0 ? 0 : sum / count;
  }

  // Where on its side of the box a link ends.
  static int port(const Box& box, const std::vector<size_t>& links, size_t link) {
    const auto at = std::find(links.begin(), links.end(), link) - links.begin();
    return box.y + box.height * (2 * static_cast<int>(at) + 1) / (2 * static_cast<int>(links.size()));
  }

  static std::string text(int x, int y, const std::string& what, const std::string& size,
                          const std::string& more = "") {
    return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" font-size=\"" + size +
           "\"" + more + ">" + xml(shortened(what)) + "</text>\n";
  }

  std::string box(size_t i) const {
    const Graph::Element& element = graph_.elements[i];
    const Box& box = boxes_[i];
    const bool source = box.in.empty(), sink = box.out.empty();
    const char* fill = source ? "#e3f1e5" : sink ? "#fbe9e0" : "#e8eef7";
    std::string out = "<rect x=\"" + std::to_string(box.x) + "\" y=\"" + std::to_string(box.y) +
                      "\" width=\"" + std::to_string(kBoxWidth) + "\" height=\"" +
                      std::to_string(box.height) + "\" rx=\"6\" fill=\"" + fill + "\" stroke=\"#56657a\"/>\n";
    out += text(box.x + 10, box.y + 17, element.factory, "13\" font-weight=\"bold");
    out += text(box.x + 10, box.y + 32, element.name, "11", " fill=\"#56657a\"");
    for (size_t row = 0; row < rows(i); ++row) {
      const auto& [name, value] = element.properties[row];
      const bool more = row + 1 == kMaxRows && element.properties.size() > kMaxRows;
      out += text(
          box.x + 10, box.y + kHead + kLine * static_cast<int>(row) + 10,
          more ? "… " + std::to_string(element.properties.size() - row) + " more" : name + "=" + value, "11");
    }
    return out;
  }

  std::string curve(size_t i) const {
    const Graph::Link& link = graph_.links[i];
    const Box &from = boxes_[link.from], &to = boxes_[link.to];
    const int x1 = from.x + kBoxWidth, y1 = port(from, from.out, i);
    const int x2 = to.x, y2 = port(to, to.in, i);
    const int bend = std::max(40, (x2 - x1) / 2);
    const auto point = [](int x, int y) { return std::to_string(x) + " " + std::to_string(y); };
    std::string out = "<path d=\"M" + point(x1, y1) + " C" + point(x1 + bend, y1) + " " +
                      point(x2 - bend, y2) + " " + point(x2, y2) +
                      "\" fill=\"none\" stroke=\"#56657a\" stroke-width=\"1.5\"/>\n" + "<path d=\"M" +
                      point(x2, y2) + " l-8 -4 l0 8 z\" fill=\"#56657a\"/>\n";
    const std::string grey = " fill=\"#56657a\"";
    if (!link.from_pad.empty()) out += text(x1 + 4, y1 - 4, link.from_pad, "10", grey);
    if (!link.to_pad.empty()) out += text(x2 - 10, y2 - 5, link.to_pad, "10", grey + " text-anchor=\"end\"");
    // A line for each field: the gap is narrow.
    int y = (y1 + y2) / 2 + 12;
    for (size_t at = 0; at < link.caps.size();) {
      const size_t comma = std::min(link.caps.find(',', at), link.caps.size());
      out += text((x1 + x2) / 2, y, link.caps.substr(at, comma - at), "10", grey + " text-anchor=\"middle\"");
      at = comma + 1;
      y += 11;
    }
    return out;
  }

  const Graph& graph_;
  std::vector<Box> boxes_;
  int width_ = 2 * kMargin, height_ = 2 * kMargin + kTitle;
};

}  // namespace

std::string svg_of(const Graph& graph, const std::string& title) {
  return Drawing(graph).svg(title);
}

}  // namespace headgate::pipeline
