// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads that decode, scale and encode give way to those that receive and archive: where processors are
// short, a rung is late (and paused), and not the stream. It is niceness, of a thread and of those that it
// starts: an encoder's own threads have it, too. Nobody who is not root takes it back, so that such threads
// are never those of a shared pool.
#pragma once

#include <gst/gst.h>

#include <functional>

namespace headgate::abrhlssink {

inline constexpr int kEncodingNice = 10;

// On a thread: it begins, or is about to end. What a decoder or an encoder makes for itself is not told.
using OnThread = std::function<void(bool begins)>;

// The calling thread, once and for all.
void yield_to_others();
// What a bus' synchronous handler gets: when a pipeline makes a streaming thread, that thread is one of its
// own and yields to others.
void quieten(GstMessage* message);

}  // namespace headgate::abrhlssink
