// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says in files: proc(5), sysfs(5), control groups (Documentation/admin-guide/cgroup-v2.rst).
// Reading waits for nobody, but for what a file's own description says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate {

inline constexpr size_t kMaxKernelText = 1 << 20;  // bytes of a file; a larger one cannot be read

// As it is. Nothing: it cannot be read.
std::optional<std::string> kernel_text(const std::string& path);
// That a text, or a file, begins with; "max" is none.
std::optional<int64_t> number_at_front(std::string_view text);
std::optional<int64_t> kernel_number(const std::string& path);
// Of the line "NAME:  NUMBER" (of /proc/meminfo, /proc/PID/status, …), in the line's own unit.
std::optional<int64_t> named_number(std::string_view text, std::string_view name);
// Folders below `root` (/sys/fs/cgroup) of the control group (v2) of the process of which `cgroup` is
// /proc/PID/cgroup, and of those above it, up to `root` itself. A container's root has limits as well.
std::vector<std::string> group_folders(std::string_view cgroup, const std::string& root);

}  // namespace headgate
