// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>
#include <pipeline/folder.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace headgate::pipeline {
namespace {

constexpr char kNoFile[] = ": is no regular file";

}  // namespace

Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".json" || entry.path().filename().string()[0] == '.') continue;
    const std::string path = entry.path().string();
    struct stat status {};
    // A pipe or a device is not waited for. One that has gone meanwhile is missed by whoever reads it.
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
      return Unexpected(EINVAL, path + kNoFile);
    out.push_back(path);
  }
  if (error) return Unexpected(folder + ": " + error.message());
  if (out.size() > kMaxFiles)
    return Unexpected(folder + ": more than " + std::to_string(kMaxFiles) + " files");
  std::sort(out.begin(), out.end());
  return out;
}

Result<ByteVector> read_text(const std::string& path, size_t limit) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(path);
  if (!S_ISREG(status.st_mode)) return Unexpected(EINVAL, path + kNoFile);
  return read_file(path, limit);
}

Result<std::vector<Description>> load_folder(const std::string& folder) {
  auto files = files_in(folder);
  if (!files) return Unexpected(files.error());
  std::vector<Description> out;
  std::string faults;
  const auto wrong = [&](const std::string& text) { faults += (faults.empty() ? "" : "\n") + text; };
  for (const std::string& file : *files) {
    auto description = Description::load(file);
    if (!description) {
      wrong(description.error().message);
      continue;
    }
    if (std::any_of(out.begin(), out.end(),
                    [&](const auto& one) { return one.name() == description->name(); }))
      wrong(file + ": /name: another description has the name \"" + description->name() + "\"");
    else
      out.push_back(*std::move(description));
  }
  if (!faults.empty()) return Unexpected(faults);
  return out;
}

Result<std::string> find_file(const std::string& folder, const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json")) return name;
  auto files = files_in(folder);
  if (!files) return Unexpected(files.error());
  std::string names;
  for (const std::string& file : *files) {
    auto description = Description::load(file);
    if (!description) continue;  // another's fault
    if (description->name() == name) return file;
    names += (names.empty() ? "" : ", ") + description->name();
  }
  // A file of this name that cannot be read is what is meant.
  const std::string path = folder + "/" + name + ".json";
  if (std::find(files->begin(), files->end(), path) != files->end()) return path;
  return Unexpected(folder + ": no description has the name \"" + name + "\"; there are " + names);
}

}  // namespace headgate::pipeline
