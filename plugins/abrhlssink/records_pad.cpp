// SPDX-License-Identifier: LGPL-2.1-or-later
#include "records_pad.h"

#include <cstring>
#include <utility>

#include "common/mapped_buffer.h"
#include "common/names.h"
#include "common/ref.h"
#include "common/trampoline.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

using gst::MappedBuffer;
using gst::Ref;
using gst::trampoline;

namespace {

constexpr char kName[] = "records";

GstStaticPadTemplate pad_template =
    GST_STATIC_PAD_TEMPLATE(kName, GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(gst::kRecordsCaps));

RecordsPad& self_of(GstPad* pad) {
  return *static_cast<RecordsPad*>(gst_pad_get_element_private(pad));
}

void decode_into(GstPad* pad, GstBuffer* buffer, std::vector<playlist::Record>& records) {
  const MappedBuffer mapped(Ref<GstBuffer>::retain(buffer));
  auto record = playlist::decode(mapped.bytes());
  if (record)
    records.push_back(std::move(record).value());
  else
    GST_WARNING_OBJECT(pad, "record not understood: %s", record.error().message.c_str());
}

}  // namespace

void RecordsPad::add_template(GstElementClass* klass) {
  gst_element_class_add_static_pad_template(klass, &pad_template);
}

bool RecordsPad::is_template(GstPadTemplate* templ) {
  return std::strcmp(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), kName) == 0;
}

GstPad* RecordsPad::request(GstPadTemplate* templ) {
  if (pad_) {
    GST_WARNING_OBJECT(element_, "pad %s is there already", kName);
    return nullptr;
  }
  GstPad* const pad = gst_pad_new_from_template(templ, kName);
  gst_pad_set_element_private(pad, this);
  gst_pad_set_chain_function(pad, (trampoline<&RecordsPad::on_chain, GST_FLOW_ERROR>));
  gst_pad_set_chain_list_function(pad, (trampoline<&RecordsPad::on_chain_list, GST_FLOW_ERROR>));
  gst_pad_set_event_function(pad, (trampoline<&RecordsPad::on_event, FALSE>));
  if (GST_STATE(element_) >= GST_STATE_PAUSED || GST_STATE_NEXT(element_) >= GST_STATE_PAUSED)
    gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element_, pad);
  pad_ = pad;
  return pad;
}

bool RecordsPad::release(GstPad* pad) {
  if (pad != pad_) return false;
  gst_pad_set_active(pad, FALSE);
  pad_ = nullptr;
  gst_element_remove_pad(element_, pad);
  return true;
}

GstFlowReturn RecordsPad::on_chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  const Ref<GstBuffer> owned = Ref<GstBuffer>::adopt(buffer);
  std::vector<playlist::Record> records;
  decode_into(pad, buffer, records);
  self_of(pad).events_.records(records);
  return GST_FLOW_OK;
}

GstFlowReturn RecordsPad::on_chain_list(GstPad* pad, GstObject*, GstBufferList* list) {
  const Ref<GstBufferList> owned = Ref<GstBufferList>::adopt(list);
  std::vector<playlist::Record> records;
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    decode_into(pad, gst_buffer_list_get(list, i), records);
  self_of(pad).events_.records(records);
  return GST_FLOW_OK;
}

gboolean RecordsPad::on_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  RecordsPad& self = self_of(pad);
  if (gst_event_has_name(event, gst::kTimelineName)) {
    const GstStructure* fields = gst_event_get_structure(event);
    gint64 base = 0, shift = 0;
    if (gst_structure_get_int64(fields, "base", &base) && gst_structure_get_int64(fields, "shift", &shift))
      self.events_.time({base, shift});
  }
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) return gst_pad_event_default(pad, parent, event);
  const Ref<GstEvent> owned = Ref<GstEvent>::adopt(event);
  self.events_.ended();
  return TRUE;
}

}  // namespace headgate::abrhlssink
