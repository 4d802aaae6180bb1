// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ready.h"

#include <base/io.h>
#include <common/log.h>
#include <unistd.h>

#include <string>

#include "notify.h"

namespace headgate::serve {

namespace {

// Null: the node has no such port.
EventField address_field(const char* name, const NodeListeners& listeners) {
  const std::string address = listeners.address(name);
  EventField field(name, address);
  if (address.empty()) field.json = "null";
  return field;
}

}  // namespace

void tell_ready(NodeEvents& events, const NodeListeners& listeners, int ready_fd) {
  events.add("node.ready", Severity::info,
             {{kEventText, "the node lets publishers in and serves viewers"},
              address_field("rtmp", listeners),
              address_field("rtmps", listeners),
              address_field("srt", listeners),
              address_field("http", listeners)});
  std::string line = "ready rtmp=" + listeners.address("rtmp") + " http=" + listeners.address("http");
  if (const std::string rtmps = listeners.address("rtmps"); !rtmps.empty()) line += " rtmps=" + rtmps;
  if (const std::string srt = listeners.address("srt"); !srt.empty()) line += " srt=" + srt;
  tools::log_notice(line);
  line += '\n';
  if (auto written = write_all(STDOUT_FILENO, as_bytes(line)); !written)
    tools::log_info("standard output takes nothing: " + written.error().message);
  if (ready_fd >= 0) {
    UniqueFd fd(ready_fd);
    if (auto written = write_all(fd.get(), as_bytes(line)); !written)
      tools::log_warning("--ready-fd: " + written.error().message);
  }
  notify_systemd("READY=1");
}

}  // namespace headgate::serve
