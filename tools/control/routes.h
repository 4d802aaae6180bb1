// SPDX-License-Identifier: LGPL-2.1-or-later
// What is answered at which address, and to whom. docs/openapi.yaml says the same, for people and other
// programs; a test holds the two together by `headgate-control --routes`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "exchange.h"

namespace headgate::control {

enum class Right { reads, operates };

struct Route {
  std::string method;  // GET also answers HEAD
  std::string path;    // "/api/v1/sessions/{session}/kick"
  Right right;
  std::function<void(const ExchangePtr&)> answer;
};

class Routes {
 public:
  void add(Route route) { all_.push_back(std::move(route)); }
  // 404, 405 and 403 where there is none.
  void answer(const ExchangePtr& exchange) const;
  std::string text() const;  // "METHOD PATH" lines

 private:
  std::vector<Route> all_;
};

}  // namespace headgate::control
