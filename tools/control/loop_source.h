// SPDX-License-Identifier: LGPL-2.1-or-later
// base's loop in GLib's, which libsoup runs in. Of the thread's default context, for as long as it lives.
#pragma once

#include <base/loop.h>
#include <glib-unix.h>

namespace headgate::control {

class LoopSource {
 public:
  explicit LoopSource(Loop& loop) : source_(g_unix_fd_source_new(loop.fd(), G_IO_IN)) {
    g_source_set_callback(source_, G_SOURCE_FUNC(&LoopSource::run), &loop, nullptr);
    // No loop runs in one of its callbacks. Did GLib see to that, it would wake itself up twice each time.
    g_source_set_can_recurse(source_, TRUE);
    g_source_attach(source_, nullptr);
  }
  ~LoopSource() {
    g_source_destroy(source_);
    g_source_unref(source_);
  }
  LoopSource(const LoopSource&) = delete;
  LoopSource& operator=(const LoopSource&) = delete;

 private:
  static gboolean run(gint, GIOCondition, gpointer loop) {
    static_cast<Loop*>(loop)->run_once(0);
    return G_SOURCE_CONTINUE;
  }

  GSource* source_;
};

}  // namespace headgate::control
