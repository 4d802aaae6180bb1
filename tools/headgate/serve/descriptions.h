// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipeline descriptions that a node's workers read: copies in the runtime folder of what was last found
// right in the folder that people write in. A wrong file there changes nothing for a node that runs.
#pragma once

#include <string>

#include <base/result.h>

namespace headgate::serve {

class Descriptions {
 public:
  Descriptions(std::string source, std::string runtime_dir);

  const std::string& source() const { return source_; }
  // What workers read: a link to the copy in use.
  std::string in_use() const { return runtime_dir_ + "/pipelines"; }
  // A copy is in use, of this supervisor's making or an earlier one's.
  bool any() const;

  // The source is another than at the call before; true at the first.
  bool changed();
  // A fresh copy of the source; its path.
  Result<std::string> copy();
  // Workers that read from now on read this copy. The one before goes.
  Result<void> use(const std::string& copy);
  void drop(const std::string& copy);

 private:
  const std::string source_, runtime_dir_;
  std::string looked_at_;  // names, sizes and times
  int last_ = 0;           // number of a copy
};

}  // namespace headgate::serve
