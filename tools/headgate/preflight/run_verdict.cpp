// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_verdict.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/json.h>
#include <base/sha256.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

class Judge {
 public:
  explicit Judge(std::string directory) : directory_(std::move(directory)) {}

  RunVerdict judge() {
    auto chain = read_file(directory_ + "/run.jl", kMaxChainBytes);
    if (!chain) {
      fault(chain.error().message);
      return std::move(out_);
    }
    std::string before =
        to_hex(sha256(as_bytes(std::string("LTA1 run") + '\0' + fs::path(directory_).filename().string())));
    std::istringstream lines{std::string(as_text(*chain))};
    for (std::string line; std::getline(lines, line); ++out_.lines) {
      const Json json = Json::object_of(line);
      if (!json.is_object()) {
        fault("line " + std::to_string(out_.lines) + " is no JSON object");
        return std::move(out_);
      }
      if (json.text("p") != before)
        fault("line " + std::to_string(out_.lines) + " does not follow the one before it");
      before = to_hex(sha256(as_bytes(line)));
      take(json);
    }
    if (out_.lines == 0) fault("the chain is empty");
    return std::move(out_);
  }

 private:
  void fault(std::string what) { out_.faults.push_back(std::move(what)); }

  void take(const Json& record) {
    const std::string kind = record.text("t");
    if (kind == "end") out_.ended = record.text("reason");
    if (kind == "file" && digest(record.integer("f"), 0, record.integer("len")) != record.text("init"))
      fault("the init segment of file " + record.at("f").token() + " is not what was recorded");
    if (kind == "close" && digest(record.integer("f"), 0, record.integer("size")) != record.text("sha"))
      fault("file " + record.at("f").token() + " is not what was recorded");
    if (kind != "frag") return;
    ++out_.segments;
    out_.frames += static_cast<uint64_t>(record.integer("nf"));
    out_.bytes += static_cast<uint64_t>(record.integer("len"));
    if (digest(record.integer("f"), record.integer("off"), record.integer("len")) != record.text("sha"))
      fault("segment " + record.at("msn").token() + " is not what was recorded");
  }

  // Of bytes of a media file; empty: they are not there.
  std::string digest(int64_t file, int64_t offset, int64_t length) {
    const Bytes media = bytes_of(file);
    if (offset < 0 || length < 0 || static_cast<uint64_t>(offset + length) > media.size()) return "";
    return to_hex(sha256(media.subspan(static_cast<size_t>(offset), static_cast<size_t>(length))));
  }

  const ByteVector& bytes_of(int64_t file) {
    auto [at, fresh] = files_.try_emplace(file);
    if (!fresh) return at->second;
    char name[32];
    std::snprintf(name, sizeof name, "%06lld.mp4", static_cast<long long>(file));
    std::string path = directory_ + "/" + name;
    if (::access(path.c_str(), F_OK) != 0) path += ".part";
    if (auto bytes = read_file(path, kMaxRunFileBytes))
      at->second = *std::move(bytes);
    else
      fault(bytes.error().message);
    return at->second;
  }

  const std::string directory_;
  RunVerdict out_;
  std::map<int64_t, ByteVector> files_;
};

}  // namespace

RunVerdict judge_run(const std::string& directory) {
  return Judge(directory).judge();
}

}  // namespace headgate::preflight
