// SPDX-License-Identifier: LGPL-2.1-or-later
// Draws `headgate top`.
#pragma once

#include <string>
#include <vector>

#include "top_model.h"
#include "top_screen.h"
#include "top_source.h"

namespace headgate::cli {

class TopView {
 public:
  enum class Page { table, details, pipelines, help };
  Page page = Page::table;
  std::string footer;  // a question, what is typed, or what was told; empty: the keys
  std::string error;   // the last look's
  std::vector<NodeEvent> events;
  std::string no_events;

  // Rows of the table on a screen of so many.
  static size_t table_height(const Screen& screen, const TopModel& model);
  void draw(Screen& screen, TopModel& model, int64_t now_mono_us) const;

 private:
  void draw_details(Screen& screen, const TopModel& model, size_t row, size_t bottom,
                    int64_t now_mono_us) const;
};

// The header's lines, also of `top --once`.
std::vector<std::string> header_lines(const TopSnapshot& snapshot);

}  // namespace headgate::cli
