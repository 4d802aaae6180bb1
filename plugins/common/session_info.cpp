// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session_info.h"

#include "settings.h"

namespace headgate::gst {

store::RunInfo run_info_of(const GstStructure* structure) {
  store::RunInfo info;
  guint number = 0;
  if (structure && gst_structure_get_uint(structure, "event", &number)) info.event = number;
  if (structure && gst_structure_get_uint(structure, "station", &number)) info.station = number;
  info.ticket_id = string_field(structure, "ticket-id");
  info.ticket = string_field(structure, "ticket");
  info.peer = string_field(structure, "peer");
  info.protocol = string_field(structure, "protocol");
  info.user_agent = string_field(structure, "user-agent");
  if (structure && gst_structure_get_uint(structure, "receipt-us", &number)) info.receipt_us = number;
  if (std::string claim = string_field(structure, "claim"); !claim.empty()) info.claim = std::move(claim);
  return info;
}

store::ClockRepair clock_repair_of(const GstStructure* structure) {
  store::ClockRepair repair;
  gint64 ms = 0;
  guint count = 0;
  repair.track = string_field(structure, "track");
  repair.kind = string_field(structure, "kind");
  if (structure && gst_structure_get_uint(structure, "count", &count)) repair.count = count;
  if (structure && gst_structure_get_int64(structure, "before-ms", &ms)) repair.before_ms = ms;
  if (structure && gst_structure_get_int64(structure, "after-ms", &ms)) repair.after_ms = ms;
  return repair;
}

GstStructure* structure_of(const char* name, const store::RunInfo& info) {
  return gst_structure_new(name, "event", G_TYPE_UINT, info.event, "station", G_TYPE_UINT, info.station,
                           "ticket-id", G_TYPE_STRING, info.ticket_id.c_str(), "ticket", G_TYPE_STRING,
                           info.ticket.c_str(), "peer", G_TYPE_STRING, info.peer.c_str(), "protocol",
                           G_TYPE_STRING, info.protocol.c_str(), "user-agent", G_TYPE_STRING,
                           info.user_agent.c_str(), "claim", G_TYPE_STRING, info.claim.c_str(), "receipt-us",
                           G_TYPE_UINT, info.receipt_us, nullptr);
}

}  // namespace headgate::gst
