// SPDX-License-Identifier: LGPL-2.1-or-later
#include "records.h"

#include <base/json.h>

#include <charconv>
#include <limits>

#include "chain.h"

namespace headgate::store {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kDigestDigits = 64;

// No number of a record is beyond kMaxNumber; 0 then, or where there is none, and `ok` is false.
int64_t bounded(const Json& value, bool& ok) {
  const auto number = value.as_integer();
  ok = ok && number && *number <= kMaxNumber && *number >= -kMaxNumber;
  return ok ? *number : 0;
}

// Reads members of an object; ok() is false after the first that is absent or of another type.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}
  bool ok() const { return ok_; }
  int64_t integer(const char* name) { return bounded(object_.at(name), ok_); }
  template <typename T>
  T natural(const char* name) {
    int64_t value = integer(name);
    if (value < 0 || static_cast<uint64_t>(value) > std::numeric_limits<T>::max()) ok_ = false;
    return ok_ ? static_cast<T>(value) : T{};
  }
  std::string text(const char* name) {
    const Json& value = object_.at(name);
    if (!value.is(Json::Kind::string)) ok_ = false;
    return value.is(Json::Kind::string) ? value.token() : "";
  }
  bool has(const char* name) const { return object_.has(name); }
  std::string text_if(const char* name) { return has(name) ? text(name) : std::string(); }
  const Json& array(const char* name) {
    const Json& value = object_.at(name);
    if (!value.is(Json::Kind::array)) ok_ = false;
    return value;
  }

 private:
  const Json& object_;
  bool ok_ = true;
};

// Numbers of an array, one after the other.
class Items {
 public:
  explicit Items(const Json& array) : array_(array), ok_(array.is(Json::Kind::array)) {}
  bool ok() const { return ok_; }
  bool more() const { return ok_ && at_ < array_.items().size(); }
  int64_t integer() { return bounded(element(), ok_); }
  uint64_t natural(uint64_t most) {
    int64_t value = integer();
    if (value < 0 || static_cast<uint64_t>(value) > most) ok_ = false;
    return ok_ ? static_cast<uint64_t>(value) : 0;
  }
  // A null value behind the last.
  const Json& element() {
    static const Json kNone;
    return more() ? array_.items()[at_++] : kNone;
  }

 private:
  const Json& array_;
  size_t at_ = 0;
  bool ok_;
};

// [off,len,pts,dur,utc - the segment's utc,independent,[track,off,len],…]
std::optional<PartInfo> parse_part(const Json& array, int64_t segment_utc_us) {
  Items items(array);
  PartInfo part;
  part.offset = items.natural(kMaxNumber);
  part.length = items.natural(kMaxNumber);
  part.pts = items.integer();
  part.duration = items.integer();
  int64_t delta = items.integer();
  part.utc_us = segment_utc_us + delta;
  part.independent = items.natural(1) != 0;
  while (items.more()) {
    Items chunk(items.element());
    playlist::ChunkRange range;
    range.track_id = static_cast<uint32_t>(chunk.natural(UINT32_MAX));
    range.offset = chunk.natural(kMaxNumber);
    range.length = chunk.natural(kMaxNumber);
    if (!chunk.ok()) return std::nullopt;
    part.chunks.push_back(range);
  }
  return items.ok() ? std::optional(part) : std::nullopt;
}

std::string parts_json(const FragLine& line) {
  std::string out = "[";
  auto add = [&out](int64_t value) {
    if (out.back() != '[') out += ',';
    out += std::to_string(value);
  };
  for (const PartInfo& part : line.parts) {
    if (out.size() > 1) out += ',';
    out += '[';
    add(static_cast<int64_t>(part.offset));
    add(static_cast<int64_t>(part.length));
    add(part.pts);
    add(part.duration);
    add(part.utc_us - line.utc_us);
    add(part.independent ? 1 : 0);
    for (const playlist::ChunkRange& chunk : part.chunks) {
      out += ",[";
      add(chunk.track_id);
      add(static_cast<int64_t>(chunk.offset));
      add(static_cast<int64_t>(chunk.length));
      out += ']';
    }
    out += ']';
  }
  return out + ']';
}

OpenLine parse_open(Fields& in) {
  OpenLine line;
  line.run = in.text("run");
  line.previous_run = in.text_if("prev_run");
  line.event = in.natural<uint32_t>("event");
  line.station = in.natural<uint32_t>("station");
  line.utc_us = in.integer("utc");
  line.msn = in.natural<uint64_t>("msn");
  line.dseq = in.natural<uint64_t>("dseq");
  line.base = in.integer("base");
  line.any_media = in.has("prev_pts");
  if (line.any_media) {
    line.end_pts = in.integer("prev_pts");
    line.end_utc_us = in.integer("prev_utc");
  }
  if (in.has("maxseg")) line.max_segment_ms = in.natural<uint32_t>("maxseg");
  if (in.has("maxpart")) line.max_part_ms = in.natural<uint32_t>("maxpart");
  if (in.has("filled")) line.filled = in.natural<uint64_t>("filled");
  if (in.has("filled_utc")) line.filled_utc_us = in.integer("filled_utc");
  return line;
}

FileLine parse_file(Fields& in) {
  FileLine line;
  line.file = in.natural<uint32_t>("f");
  line.init_sha = in.text("init");
  line.length = in.natural<uint64_t>("len");
  line.codecs = in.text("codecs");
  line.width = in.natural<uint32_t>("width");
  line.height = in.natural<uint32_t>("height");
  line.frame_rate_milli = in.natural<uint32_t>("mfps");
  line.channels = in.natural<uint32_t>("channels");
  if (in.has("transfer")) line.transfer = in.natural<uint32_t>("transfer");
  return line;
}

std::optional<FragLine> parse_frag(Fields& in) {
  FragLine line;
  line.file = in.natural<uint32_t>("f");
  line.offset = in.natural<uint64_t>("off");
  line.length = in.natural<uint64_t>("len");
  line.sha = in.text_if("sha");
  line.pts = in.integer("pts");
  line.duration = in.integer("dur");
  line.key_frames = in.natural<uint32_t>("kf");
  line.frames = in.natural<uint32_t>("nf");
  line.frame_sha = in.text_if("fh");
  line.utc_us = in.integer("utc");
  line.mono_us = in.integer("mono");
  line.msn = in.natural<uint64_t>("msn");
  line.dseq = in.natural<uint64_t>("dseq");
  Items parts(in.array("parts"));
  while (parts.more()) {
    auto part = parse_part(parts.element(), line.utc_us);
    if (!part) return std::nullopt;
    line.parts.push_back(std::move(*part));
  }
  if (!in.ok() || line.parts.empty()) return std::nullopt;
  return line;
}

GapLine parse_gap(Fields& in) {
  return {in.text("reason"), in.integer("from_pts"), in.integer("to_pts"), in.integer("from_utc"),
          in.integer("to_utc")};
}

CloseLine parse_close(Fields& in) {
  return {in.natural<uint32_t>("f"), in.natural<uint64_t>("size"), in.text_if("sha"), in.text_if("fhx")};
}

EndLine parse_end(Fields& in) {
  EndLine line;
  line.reason = in.text("reason");
  line.utc_us = in.integer("utc");
  line.totals.segments = in.natural<uint64_t>("segments");
  line.totals.frames = in.natural<uint64_t>("frames");
  line.totals.bytes = in.natural<uint64_t>("bytes");
  line.totals.gaps = in.natural<uint64_t>("gaps");
  line.totals.ms = in.integer("ms");
  line.next.next_msn = in.natural<uint64_t>("msn");
  line.next.next_dseq = in.natural<uint64_t>("dseq");
  line.next.any_media = in.has("end_pts");
  if (line.next.any_media) {
    line.next.end_pts = in.integer("end_pts");
    line.next.end_utc_us = in.integer("end_utc");
  }
  line.next.crashed = line.reason == "crash";
  return line;
}

}  // namespace

std::optional<LineHead> parse_line_head(std::string_view line) {
  constexpr std::string_view kStart = "{\"v\":1,\"n\":";
  constexpr std::string_view kType = ",\"t\":\"";
  constexpr std::string_view kLast = ",\"p\":\"";
  if (!line.starts_with(kStart) || !line.ends_with('}') || line.size() > kMaxLineBytes) return std::nullopt;
  LineHead head;
  const char* digits = line.data() + kStart.size();
  auto number = std::from_chars(digits, line.data() + line.size(), head.n);
  if (number.ec != std::errc() || number.ptr == digits) return std::nullopt;
  std::string_view rest = line.substr(static_cast<size_t>(number.ptr - line.data()));
  if (!rest.starts_with(kType)) return std::nullopt;
  rest.remove_prefix(kType.size());
  size_t quote = rest.find('"');
  if (quote == 0 || quote == rest.npos) return std::nullopt;
  head.type = rest.substr(0, quote);
  size_t tail = kLast.size() + kDigestDigits + 2;
  if (rest.size() >= quote + 1 + tail) {
    std::string_view last = rest.substr(rest.size() - tail);
    std::string_view digest = last.substr(kLast.size(), kDigestDigits);
    if (last.starts_with(kLast) && last.ends_with("\"}") &&
        digest.find_first_not_of(kHexDigits) == digest.npos)
      head.p = digest;
  }
  return head;
}

void put(JsonLine& json, const FileLine& line) {
  json.field("f", line.file)
      .field("init", line.init_sha)
      .field("len", line.length)
      .field("codecs", line.codecs)
      .field("width", line.width)
      .field("height", line.height)
      .field("mfps", line.frame_rate_milli)
      .field("channels", line.channels);
  if (line.transfer != 0) json.field("transfer", line.transfer);
  if (!line.video_config_sha.empty()) json.field("vcfg", line.video_config_sha);
  if (!line.audio_config_sha.empty()) json.field("acfg", line.audio_config_sha);
}

void put(JsonLine& json, const FragLine& line) {
  json.field("f", line.file).field("off", line.offset).field("len", line.length);
  if (!line.sha.empty()) json.field("sha", line.sha);
  json.field("pts", line.pts)
      .field("dur", line.duration)
      .field("kf", line.key_frames)
      .field("nf", line.frames);
  if (!line.frame_sha.empty()) json.field("fh", line.frame_sha);
  json.field("utc", line.utc_us)
      .field("mono", line.mono_us)
      .field("msn", line.msn)
      .field("dseq", line.dseq)
      .raw("parts", parts_json(line));
}

void put(JsonLine& json, const GapLine& line) {
  json.field("reason", line.reason)
      .field("from_pts", line.from_pts)
      .field("to_pts", line.to_pts)
      .field("from_utc", line.from_utc_us)
      .field("to_utc", line.to_utc_us)
      .field("ms", (line.to_pts - line.from_pts) / 90);
}

void put(JsonLine& json, const CloseLine& line) {
  json.field("f", line.file).field("size", line.size);
  if (!line.sha.empty()) json.field("sha", line.sha);
  if (!line.index_sha.empty()) json.field("fhx", line.index_sha);
}

void put(JsonLine& json, const EndLine& line) {
  json.field("reason", line.reason)
      .field("utc", line.utc_us)
      .field("segments", line.totals.segments)
      .field("frames", line.totals.frames)
      .field("bytes", line.totals.bytes)
      .field("gaps", line.totals.gaps)
      .field("ms", line.totals.ms)
      .field("msn", line.next.next_msn)
      .field("dseq", line.next.next_dseq);
  if (line.next.any_media) json.field("end_pts", line.next.end_pts).field("end_utc", line.next.end_utc_us);
}

std::optional<Line> parse_line(std::string_view line) {
  auto head = parse_line_head(line);
  if (!head) return std::nullopt;
  const Json record = Json::object_of(line, {.bytes = kMaxLineBytes, .depth = kMaxRecordDepth});
  if (!record.is_object()) return std::nullopt;
  Fields fields(record);
  std::optional<Line> parsed;
  if (head->type == "open") parsed = parse_open(fields);
  if (head->type == "file") parsed = parse_file(fields);
  if (head->type == "frag") {
    auto frag = parse_frag(fields);
    if (frag) parsed = std::move(*frag);
  }
  if (head->type == "gap") parsed = parse_gap(fields);
  if (head->type == "close") parsed = parse_close(fields);
  if (head->type == "io") parsed = IoLine{fields.has("broken")};
  if (head->type == "end") parsed = parse_end(fields);
  return fields.ok() ? parsed : std::nullopt;
}

}  // namespace headgate::store
