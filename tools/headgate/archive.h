// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate archive`: its subcommands.
#pragma once

namespace headgate::cli {

int run_archive_list(int argc, char** argv);
int run_archive_recover(int argc, char** argv);
int run_archive_show(int argc, char** argv);

}  // namespace headgate::cli
