// SPDX-License-Identifier: LGPL-2.1-or-later
// The page's files, compiled in (tools/origin/www): only what is there can be asked for.
#pragma once

#include <map>
#include <string>

#include "reply.h"

namespace headgate::origin {

class Pages {
 public:
  Pages();  // reads the compiled-in resources
  // "index.html", "watch.html", or the NAME of /assets/NAME.
  Reply get(const std::string& name) const;

 private:
  struct File {
    std::string type, etag;
    TextPtr text;
  };
  std::map<std::string, File> files_;
};

}  // namespace headgate::origin
