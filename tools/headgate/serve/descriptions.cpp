// SPDX-License-Identifier: LGPL-2.1-or-later
#include "descriptions.h"

#include <base/io.h>
#include <fcntl.h>
#include <pipeline/folder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

constexpr char kFragments[] = "fragments";

// Descriptions and fragments; a folder without fragments is one.
Result<std::vector<std::string>> all_files(const std::string& source) {
  auto files = pipeline::files_in(source);
  if (!files) return files;
  std::error_code error;
  const std::string fragments = source + "/" + kFragments;
  if (!fs::is_directory(fragments, error)) return files;
  auto more = pipeline::files_in(fragments);
  if (!more) return more;
  files->insert(files->end(), more->begin(), more->end());
  return files;
}

}  // namespace

Descriptions::Descriptions(std::string source, std::string runtime_dir)
    : source_(std::move(source)), runtime_dir_(std::move(runtime_dir)) {}

bool Descriptions::any() const {
  std::error_code error;
  return fs::is_directory(in_use(), error);
}

bool Descriptions::changed() {
  auto files = all_files(source_);
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

Result<std::string> Descriptions::copy() {
  auto files = all_files(source_);
  if (!files) return Unexpected(files.error());
  std::string folder;
  std::error_code error;
  do folder = in_use() + "-" + std::to_string(++last_);
  while (fs::exists(folder, error));
  if (auto made = make_directories(folder + "/" + kFragments, 0700); !made) return Unexpected(made.error());
  for (const std::string& file : *files) {
    auto bytes = pipeline::read_text(file, pipeline::kMaxDescriptionBytes);
    const std::string to = folder + file.substr(source_.size());
    auto fd = bytes ? open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0600)
                    : Result<UniqueFd>(Unexpected(bytes.error()));
    auto written = fd ? write_all(fd->get(), *bytes) : Result<void>(Unexpected(fd.error()));
    if (written) continue;
    drop(folder);
    return Unexpected(written.error());
  }
  return folder;
}

Result<void> Descriptions::use(const std::string& copy) {
  std::error_code error;
  const fs::path before = fs::read_symlink(in_use(), error);
  const std::string fresh = in_use() + ".new";
  ::unlink(fresh.c_str());
  if (::symlink(fs::path(copy).filename().c_str(), fresh.c_str()) != 0)
    return errno_error("symlink " + fresh);
  if (::rename(fresh.c_str(), in_use().c_str()) != 0) return errno_error("rename " + fresh);
  if (!before.empty()) drop(runtime_dir_ + "/" + before.filename().string());
  return {};
}

void Descriptions::drop(const std::string& copy) {
  std::error_code error;
  fs::remove_all(copy, error);
}

}  // namespace headgate::serve
