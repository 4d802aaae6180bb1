// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the other programs and the elements are: beside the running program, in a build tree or installed.
#pragma once

#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::tools {

// Of "headgate", "headgate-gate", …: in $HEADGATE_LIBEXEC if that is set, else beside the running program
// (installed: bin/ or libexec/headgate/; build tree: tools/*/). The error says where was looked.
Result<std::string> find_program(const std::string& name);

// Folders that may hold the elements' plugins, best first; only those that exist. $HEADGATE_PLUGINS (a colon
// list) alone if that is set, else the build tree's or the installed folder.
std::vector<std::string> plugin_folders();

// Folder of pipeline descriptions: $HEADGATE_PIPELINES, else the source tree's or the installed one.
Result<std::string> pipelines_folder();

}  // namespace headgate::tools
