// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/siblings.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace headgate::tools {
namespace {

namespace fs = std::filesystem;

fs::path own_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool in_build_tree() {
  return is_there(own_folder() / "../../meson-info");
}

// What bin/ and libexec/headgate/ are in: an installed tree may be moved as a whole.
fs::path installed_prefix() {
  const std::string here = own_folder().string();
  for (const std::string& place :
       {std::string("/" HEADGATE_BIN_DIR), std::string("/" HEADGATE_LIBEXEC_DIR "/headgate")})
    if (here.ends_with(place)) return here.substr(0, here.size() - place.size()) + "/";
  return HEADGATE_PREFIX;
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  std::vector<fs::path> candidates;
  if (std::string folder = variable("HEADGATE_LIBEXEC"); !folder.empty()) {
    candidates = {fs::path(folder) / name};
  } else {
    fs::path here = own_folder();
    // "headgate" is built in tools/headgate, "headgate-gate" in tools/gate.
    std::string folder_name = name.substr(name.find('-') + 1);
    candidates = {here / name, here / ".." / folder_name / name,
                  installed_prefix() / HEADGATE_LIBEXEC_DIR / "headgate" / name,
                  installed_prefix() / HEADGATE_BIN_DIR / name};
  }
  std::string looked;
  for (const fs::path& candidate : candidates) {
    if (::access(candidate.c_str(), X_OK) == 0) return fs::weakly_canonical(candidate).string();
    looked += (looked.empty() ? "" : ", ") + candidate.lexically_normal().string();
  }
  return Unexpected(name + " was not found (looked at " + looked +
                    "; HEADGATE_LIBEXEC names another folder)");
}

std::vector<std::string> plugin_folders() {
  std::vector<std::string> out;
  if (std::istringstream set(variable("HEADGATE_PLUGINS")); set.rdbuf()->in_avail() > 0) {
    for (std::string folder; std::getline(set, folder, ':');)
      if (is_there(folder)) out.push_back(folder);
    return out;
  }
  fs::path folder =
      in_build_tree() ? own_folder() / "../../plugins" : installed_prefix() / HEADGATE_PLUGIN_DIR;
  if (is_there(folder)) out.push_back(fs::weakly_canonical(folder).string());
  return out;
}

Result<std::string> pipelines_folder() {
  if (std::string folder = variable("HEADGATE_PIPELINES"); !folder.empty()) return folder;
  // A build tree does not know its source tree by itself: the build tells it.
  fs::path folder =
      in_build_tree() ? fs::path(HEADGATE_SOURCE_PIPELINES) : installed_prefix() / HEADGATE_PIPELINE_DIR;
  if (is_there(folder)) return folder.string();
  return Unexpected("no folder of pipeline descriptions at " + folder.string() +
                    " (HEADGATE_PIPELINES or --pipelines names one)");
}

}  // namespace headgate::tools
