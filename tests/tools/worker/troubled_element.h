// SPDX-License-Identifier: LGPL-2.1-or-later
// An element that makes trouble in a pipeline on demand, for the worker's tests.
#pragma once

#include <gst/gst.h>

namespace headgate::worker::trouble {

// What it gives who wants a picture.
inline constexpr char kPicture[] = "a picture";

// A rendition that it cannot encode.
inline constexpr char kPaused[] = "1080p";

// What the error names that it posts.
inline constexpr char kAddress[] = "srt://a.example:9000?passphrase=hush";

// Registers "troubled": no pads; asked for a rendition, it tells that this is being encoded. Once, before a
// launch line names it.
void register_troubled();

// From now on a "troubled" that goes to NULL waits there, as an element does whose disk does not answer.
void hang_at_the_end();
void let_go();  // those that wait, and no more from now on

// From now on a "troubled" that begins to play posts what the archiver posts when ...
enum class Archive {
  well,         // (nothing)
  run_fails,    // its run cannot be opened: a read error of one station's files
  disk_broken,  // nothing can be written any more
};
void archive_is(Archive archive);

}  // namespace headgate::worker::trouble
