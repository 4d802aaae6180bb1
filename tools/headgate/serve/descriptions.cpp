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

Result<std::string> Descriptions::copy_of(const std::string& folder) {
  auto texts = description_texts(folder);
  return texts ? copies_.make(*texts) : Result<std::string>(Unexpected(texts.error()));
}

Result<void> Descriptions::keep(const DescriptionTexts& texts, const std::string& data, bool anyway) {
  DescriptionCopies kept(kept_descriptions(data), DescriptionCopies::Lasting::yes);
  if (auto there = description_texts(kept.in_use()); !anyway && there && *there == texts) return {};
  if (auto made = make_directories(data + kKept, 0700); !made) return made;
  auto copy = kept.make(texts);
  if (!copy) return Unexpected(copy.error());
  return kept.use(*copy);
}

}  // namespace headgate::serve
