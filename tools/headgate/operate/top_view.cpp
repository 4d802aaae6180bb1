// SPDX-License-Identifier: LGPL-2.1-or-later
#include "top_view.h"

#include <common/utc.h>
#include <health/conditions.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "instances_table.h"
#include "json_words.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr char kKeys[] = "q quit  ? help  / filter  n a alarms  < > sort  Enter details  k kick  d drain";
constexpr int64_t kStaleUs = 5'000'000;
constexpr const char* kHelp[] = {
    "Up Down PageUp PageDown Home End   choose a stream",
    "Enter                              its details and what happened to it",
    "n N                                to the next, the last stream with an alarm",
    "a                                  only streams with an alarm",
    "/                                  only streams with this text: station, state, peer, health",
    "< >  r                             sort by another column; the other way around",
    "A S K L G                          sort by alarm, station, kbit/s, lateness, gaps",
    "p                                  pipelines that the node runs by itself",
    "k                                  end the stream's session (asks first)",
    "d                                  take no new publishers, or take them again (asks first)",
    "Space                              look at once",
    "q                                  quit",
    "",
    "LATE is in seconds: how far the publisher's connection is behind.",
};
constexpr size_t kHelpWidth = 78;

// What stands in the column of health, by how urgent it is (docs/health.md).
std::vector<std::string> condition_lines() {
  std::string now, others = "away";
  for (const auto& condition : health::kConditions) {
    std::string& line = condition.level == health::Level::now ? now : others;
    line += (line.empty() ? "" : ", ") + std::string(condition.name);
  }
  others.insert(0, "*  ");
  std::vector<std::string> out{"!  " + now};
  while (others.size() > kHelpWidth) {
    const size_t end = others.rfind(' ', kHelpWidth);
    out.push_back(others.substr(0, end));
    others = "   " + others.substr(end + 1);
  }
  out.push_back(others);
  return out;
}

Style style_of(const StreamRow& row) {
  switch (row.alarm) {
    case Alarm::error:
      return Style::error;
    case Alarm::warning:
      return Style::warning;
    case Alarm::none:
      break;
  }
  return row.state == "ended" ? Style::dim : Style::normal;
}

std::string percent(double share) {
  return number_text(share * 100, share < 0.1 ? "%.1f%%" : "%.0f%%");
}

std::string uses_text(const std::vector<ProcessUse>& processes) {
  std::string out = "cpu";
  double memory = 0;
  for (const ProcessUse& one : processes) {
    memory += one.resident_bytes;
    out += "  " + one.role + (one.count > 1 ? " x" + std::to_string(one.count) : "") + " " + percent(one.cpu);
  }
  return out + "   memory " + bytes_text(memory);
}

void draw_header(Screen& screen, const TopModel& model, const std::vector<std::string>& lines,
                 const std::string& error, int64_t now_mono_us) {
  for (size_t i = 0; i < lines.size(); ++i) {
    // Below the facts stands what somebody should know.
    const bool notice = i >= lines.size() - model.snapshot()->facts.notices.size();
    screen.put(i, 0, lines[i], notice ? Style::warning : i == 0 ? Style::title : Style::normal);
  }
  const int64_t age_us = now_mono_us - model.snapshot()->mono_us;
  if (error.empty() && age_us < kStaleUs) return;
  const std::string stale = "what follows is " + short_duration(static_cast<double>(age_us) / 1e6) +
                            " old: " + (error.empty() ? "the node does not answer" : error);
  screen.put(0, 0, fitted(printable(stale), screen.columns()), Style::error);
}

void draw_pipelines(Screen& screen, const TopSnapshot& snapshot, size_t row, size_t bottom) {
  std::istringstream lines(instances_table(snapshot.json, snapshot.utc_us));
  Style style = Style::bar;
  for (std::string line; row < bottom && std::getline(lines, line); style = Style::normal)
    screen.put(row++, 0, fitted(line, screen.columns()), style);
  if (style == Style::bar) screen.put(row, 2, "this node runs no pipelines of its own", Style::dim);
}

void draw_titles(Screen& screen, const TopModel& model, size_t row, const std::vector<ColumnLook>& looks) {
  screen.put(row, 0, std::string(screen.columns(), ' '), Style::bar);
  size_t at = 0;
  for (const ColumnLook& look : looks) {
    std::string title = look.title;
    if (look.column == model.sorted_by() && look.width > 1)
      title = (model.downwards() ? (screen.utf8() ? "▼" : "v") : (screen.utf8() ? "▲" : "^")) + title;
    screen.put(row, at, fitted(title, look.width, look.right), Style::bar);
    at += look.width + 1;
  }
}

void draw_row(Screen& screen, const TopModel& model, size_t row, const std::vector<ColumnLook>& looks,
              const StreamRow& stream, bool chosen, int64_t now_mono_us) {
  const Style style = style_of(stream);
  if (chosen) screen.put(row, 0, std::string(screen.columns(), ' '), style, true);
  size_t at = 0;
  for (const ColumnLook& look : looks) {
    const bool trend = look.column == Column::trend;
    const std::string text = trend ? model.trend(stream.station).text(now_mono_us, look.width, screen.utf8())
                                   : fitted(cell_text(stream, look.column), look.width, look.right);
    screen.put(row, at, text, trend && !chosen ? Style::good : style, chosen);
    at += look.width + 1;
  }
}

std::string session_line(const Json& node, const StreamRow& row) {
  std::string out;
  node.each("sessions", [&](const Json& one) {
    if (scalar_text(one.at("session")) != row.session || row.session.empty()) return;
    out = "session " + row.session + " of worker " + scalar_text(one.at("worker")) + ", since " +
          one.text("since_utc") + ", " + bytes_text(one.number("received_bytes")) + ", by " +
          one.text("user_agent", "-");
  });
  return printable(out.empty() ? "no session" : out);
}

std::vector<std::string> track_lines(const Json& stream) {
  std::vector<std::string> out;
  stream.at("health").each("streams", [&](const Json& track) {
    auto ms = [&](const char* key) {
      const double ns = track.number(key);
      return std::isnan(ns) || ns < 0 ? std::string("-") : number_text(ns / 1e6) + " ms";
    };
    out.push_back(printable(fitted(track.text("pad"), 10) + fitted(track.text("kind"), 7) +
                            number_text(track.number("bit-rate") / 1000) + " kbit/s  " +
                            number_text(track.number("rate"), "%.2f") + "/s  late " + ms("lateness") +
                            "  GOP " + ms("gop-duration") + "  jumps " + scalar_text(track.at("jumps")) +
                            "  stalls " + scalar_text(track.at("stalls"))));
  });
  if (const Json& link = stream.at("health").at("srt"); link.is_object())
    out.push_back(printable(fitted("srt", 10) + "round trip " + number_text(link.number("rtt-us") / 1000) +
                            " ms  lost " + number_text(link.number("lost-share") * 100, "%.2f") +
                            " %, for good " + number_text(link.number("dropped-share") * 100, "%.2f") +
                            " % (10 s)  held " + number_text(link.number("held-ms")) + " ms  path " +
                            bit_rate_text(link.number("bandwidth-kbps"))));
  stream.each("renditions", [&](const Json& one) {
    out.push_back(printable(fitted(one.text("name"), 10) + fitted(one.text("state"), 9) +
                            scalar_text(one.at("kbps")) + " kbit/s"));
  });
  return out;
}

std::string event_text(const NodeEvent& event) {
  return event.utc.substr(0, 19) + "  " +
         event.line().substr(std::min(event.line().size(), event.utc.size() + 2));
}

}  // namespace

std::vector<std::string> header_lines(const TopSnapshot& snapshot) {
  const NodeFacts& facts = snapshot.facts;
  std::vector<std::string> out;
  out.push_back("alarms " + std::to_string(facts.alarms) + "  " + std::to_string(facts.live) + " live, " +
                std::to_string(facts.waiting) + " away, " + std::to_string(facts.ended) +
                " ended  headgate " + facts.version + ", up " + short_duration(facts.since_s) + "  " +
                tools::utc_text(snapshot.utc_us).substr(11, 8) + " UTC");
  std::string second = "sessions " + std::to_string(facts.sessions) + "/" + number_text(facts.capacity) +
                       "  in " + bit_rate_text(facts.kbps) + "  disk " + bytes_text(facts.free_bytes);
  if (!std::isnan(facts.full_in_s)) second += ", full in " + short_duration(facts.full_in_s);
  if (!std::isnan(facts.rungs)) {
    second += "  rungs " + number_text(facts.rungs);
    if (facts.rungs_paused > 0) second += ", " + number_text(facts.rungs_paused) + " paused";
  }
  out.push_back(second);
  if (!facts.instances.empty()) out.push_back(facts.instances);
  out.push_back(uses_text(facts.processes));
  out.insert(out.end(), facts.notices.begin(), facts.notices.end());
  return out;
}

size_t TopView::table_height(const Screen& screen, const TopModel& model) {
  const size_t around = (model.snapshot() ? header_lines(*model.snapshot()).size() : 0) + 2;
  return screen.rows() > around ? screen.rows() - around : 0;
}

void TopView::draw(Screen& screen, TopModel& model, int64_t now_mono_us) const {
  screen.clear();
  const size_t bottom = screen.rows() - 1;
  if (!model.snapshot()) {
    screen.put(0, 0, printable(error.empty() ? "asking the node" : error),
               error.empty() ? Style::normal : Style::error);
  } else {
    const auto lines = header_lines(*model.snapshot());
    draw_header(screen, model, lines, error, now_mono_us);
    size_t row = lines.size();
    if (page == Page::table) {
      const auto looks = columns_in(screen.columns());
      draw_titles(screen, model, row++, looks);
      const size_t height = table_height(screen, model), first = model.first_shown(height);
      const auto& rows = model.rows();
      for (size_t i = first; i < rows.size() && i < first + height; ++i)
        draw_row(screen, model, row++, looks, *rows[i], i == model.chosen_index(), now_mono_us);
      if (rows.empty())
        screen.put(row, 2, model.snapshot()->rows.empty() ? "no stream yet" : "no stream is like that",
                   Style::dim);
    } else if (page == Page::help) {
      screen.put(row++, 0, fitted(" Keys", screen.columns()), Style::bar);
      std::vector<std::string> lines(std::begin(kHelp), std::end(kHelp));
      for (std::string& line : condition_lines()) lines.push_back(std::move(line));
      for (const std::string& line : lines)
        if (row < bottom) screen.put(row++, 2, line);
    } else if (page == Page::pipelines) {
      draw_pipelines(screen, *model.snapshot(), row, bottom);
    } else {
      draw_details(screen, model, row, bottom, now_mono_us);
    }
  }
  screen.put(bottom, 0, fitted(printable(footer.empty() ? kKeys : footer), screen.columns()),
             footer.empty() ? Style::dim : Style::bar);
  screen.show();
}

void TopView::draw_details(Screen& screen, const TopModel& model, size_t row, size_t bottom,
                           int64_t now_mono_us) const {
  const StreamRow* stream = model.chosen();
  screen.put(row++, 0,
             fitted(stream ? " Station " + std::to_string(stream->station) + " of event " +
                                 std::to_string(stream->event)
                           : " This stream is gone",
                    screen.columns()),
             Style::bar);
  if (!stream) return;
  const Json& node = model.snapshot()->json;
  std::vector<std::pair<std::string, Style>> lines;
  auto say = [&](std::string line, Style style = Style::normal) {
    lines.emplace_back(std::move(line), style);
  };
  say(stream->state + " since " + short_duration(stream->since_s) + ", " +
          (stream->health.empty() ? "-" : stream->health),
      style_of(*stream));
  node.each("streams", [&](const Json& one) {
    if (one.integer("station") != stream->station || one.integer("event") != stream->event) return;
    say(printable(stream->size() + "  " + number_text(stream->fps, "%.2f") + " fps  " +
                  one.text("codecs", "-") + "  from " + one.text("peer", "-") + " by " +
                  one.text("protocol", "-")));
    say("archived " + clock_text(stream->archived_s) + "  gaps " + number_text(stream->gaps) + "  sessions " +
        number_text(stream->sessions) + "  first " + printable(one.text("first_utc", "-")));
    say(session_line(node, *stream));
    for (std::string& line : track_lines(one)) say(std::move(line));
  });
  const Trend& trend = model.trend(stream->station);
  say("last minute, up to " + number_text(trend.most()) + " kbit/s:", Style::dim);
  say(trend.text(now_mono_us, std::min<size_t>(kTrendSeconds, screen.columns() - 2), screen.utf8()),
      Style::good);
  say(no_events.empty() ? "what happened:" : "what happened: " + printable(no_events), Style::dim);
  for (const auto& [line, style] : lines)
    if (row < bottom) screen.put(row++, 1, line, style);
  // The newest, as many as there is room for.
  const size_t room = bottom > row ? bottom - row : 0;
  for (size_t i = events.size() - std::min(room, events.size()); i < events.size(); ++i)
    screen.put(row++, 1, event_text(events[i]),
               events[i].severity == Severity::error     ? Style::error
               : events[i].severity == Severity::warning ? Style::warning
                                                         : Style::normal);
}

}  // namespace headgate::cli
