// SPDX-License-Identifier: LGPL-2.1-or-later
#include "descriptions.h"

#include <base/io.h>
#include <sys/stat.h>

#include <utility>
#include <vector>

namespace headgate::serve {
namespace {

constexpr char kLink[] = "/pipelines", kKept[] = "/last-good";

}  // namespace

std::string kept_descriptions(const std::string& data) {
  return data + kKept + kLink;
}

Descriptions::Descriptions(std::string source, const std::string& runtime_dir, const std::string& data)
    : source_(std::move(source)),
      kept_dir_(data + kKept),
      copies_(runtime_dir + kLink, DescriptionCopies::Lasting::no),
      kept_(kept_descriptions(data), DescriptionCopies::Lasting::yes) {}

bool Descriptions::changed() {
  auto files = description_files(source_);
  std::string now = files ? "" : files.error().message;
  for (const std::string& file : files ? *files : std::vector<std::string>()) {
    struct stat status {};
    ::stat(file.c_str(), &status);  // one that has gone meanwhile has no time
    now += file + " " + std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
           std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + "\n";
  }
  if (now == looked_at_) return false;
  looked_at_ = std::move(now);
  return true;
}

Result<void> Descriptions::keep() {
  if (auto made = make_directories(kept_dir_, 0700); !made) return made;
  auto copy = kept_.make(in_use());
  if (!copy) return Unexpected(copy.error());
  auto used = kept_.use(*copy);
  if (!used) drop(*copy);
  return used;
}

}  // namespace headgate::serve
