// SPDX-License-Identifier: LGPL-2.1-or-later
#include "description_copies.h"

#include <base/io.h>
#include <fcntl.h>
#include <pipeline/folder.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

constexpr char kFragments[] = "fragments";

}  // namespace

Result<std::vector<std::string>> description_files(const std::string& folder) {
  auto files = pipeline::files_in(folder);
  if (!files) return files;
  std::error_code error;
  const std::string fragments = folder + "/" + kFragments;
  if (!fs::is_directory(fragments, error)) return files;
  auto more = pipeline::files_in(fragments);
  if (!more) return more;
  files->insert(files->end(), more->begin(), more->end());
  return files;
}

Result<DescriptionTexts> description_texts(const std::string& folder) {
  auto files = description_files(folder);
  if (!files) return Unexpected(files.error());
  DescriptionTexts out;
  for (const std::string& file : *files) {
    auto text = pipeline::read_text(file, pipeline::kMaxDescriptionBytes);
    if (!text) return Unexpected(text.error());
    out[file.substr(folder.size())] = *std::move(text);
  }
  return out;
}

bool DescriptionCopies::any() const {
  std::error_code error;
  return fs::is_directory(link_, error);
}

Result<std::string> DescriptionCopies::make(const DescriptionTexts& texts) {
  std::string copy;
  std::error_code error;
  do copy = link_ + "-" + std::to_string(++last_);
  while (fs::exists(copy, error));
  const std::string fragments = copy + "/" + kFragments;
  auto made = make_directories(fragments, 0700);
  for (const auto& [name, text] : texts)
    if (made) made = write(text, copy + name);
  for (const std::string& written : {fragments, copy})
    if (made && lasting_ == Lasting::yes) made = fsync_directory(written);
  if (made) return copy;
  drop(copy);
  return Unexpected(made.error());
}

Result<void> DescriptionCopies::write(const ByteVector& text, const std::string& to) const {
  auto fd = open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), text); !written) return written;
  if (lasting_ == Lasting::yes && ::fsync(fd->get()) != 0) return errno_error("fsync " + to);
  return {};
}

Result<void> DescriptionCopies::link(const std::string& copy) const {
  const std::string fresh = link_ + ".new";
  ::unlink(fresh.c_str());
  if (::symlink(fs::path(copy).filename().c_str(), fresh.c_str()) != 0)
    return errno_error("symlink " + fresh);
  if (::rename(fresh.c_str(), link_.c_str()) != 0) return errno_error("rename " + fresh);
  return {};
}

Result<void> DescriptionCopies::use(const std::string& copy) {
  if (auto linked = link(copy); !linked) {
    drop(copy);
    return linked;
  }
  const fs::path link(link_), folder = link.parent_path();
  // Until the disk has this one, it may have a link to the one before.
  if (lasting_ == Lasting::yes)
    if (auto synced = fsync_directory(folder.string()); !synced) return synced;
  // Also one that a process before has not come to use.
  std::vector<std::string> others;
  const std::string front = link.filename().string() + "-";
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename().string().starts_with(front) &&
        entry->path().filename() != fs::path(copy).filename())
      others.push_back(entry->path().string());
  for (const std::string& other : others) drop(other);
  return {};
}

void DescriptionCopies::drop(const std::string& copy) {
  std::error_code error;
  fs::remove_all(copy, error);
}

}  // namespace headgate::serve
