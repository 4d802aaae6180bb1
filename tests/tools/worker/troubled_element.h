// SPDX-License-Identifier: LGPL-2.1-or-later
// An element that makes trouble in a pipeline on demand, for the worker's tests.
#pragma once

#include <gst/gst.h>

namespace headgate::worker::trouble {

// Registers "troubled": no pads. Once, before a launch line names it.
void register_troubled();

// From now on a "troubled" that goes to NULL waits there, as an element does whose disk does not answer.
void hang_at_the_end();
void let_go();  // those that wait, and no more from now on

// From now on a "troubled" that begins to play posts what the archiver posts when the disk has failed.
void disk_fails(bool fails);

}  // namespace headgate::worker::trouble
