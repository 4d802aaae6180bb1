// SPDX-License-Identifier: LGPL-2.1-or-later
// A run directory with any bytes in it: read, recovered, read again. Input: u32be length of run.jl, run.jl,
// the rest is 000000.mp4.part. What is read must not depend on recovery having been there, and recovery must
// come to an end of its own.
#include <base/bytes.h>
#include <base/io.h>
#include <fcntl.h>
#include <store/reader.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace headgate;

namespace {

constexpr char kRun[] = "20260914T060000Z-n01-0000";

void must(bool good) {
  if (!good) std::abort();
}

std::string make_root() {
  std::string root =
      (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + std::string("/headgate-fuzz-XXXXXX");
  must(::mkdtemp(root.data()) != nullptr);
  return root;
}

struct Root {
  std::string path = make_root();
  ~Root() { std::filesystem::remove_all(path); }
};

void put(const std::string& path, Bytes bytes) {
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  must(file && write_all(file->get(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Root root;
  ByteReader reader(std::as_bytes(std::span(data, size)));
  uint32_t length = reader.u32();
  if (!reader.ok()) return 0;
  Bytes chain = reader.bytes(std::min<size_t>(length, reader.remaining()));
  std::string directory = root.path + "/lta/7/st/a5/000421/" + kRun;
  std::filesystem::remove_all(root.path + "/lta");
  must(bool(make_directories(directory)));
  put(directory + "/run.jl", chain);
  Bytes media = reader.rest();
  if (!media.empty()) put(directory + "/000000.mp4.part", media);

  auto before = store::read_run(root.path, 7, 421, kRun);
  must(bool(before));
  store::RecoverySummary summary;
  if (!store::recover_run(directory, "n02", summary)) return 0;
  auto after = store::read_run(root.path, 7, 421, kRun);
  must(bool(after) && after->records.size() >= before->records.size());
  store::RecoverySummary again = store::recover(root.path, "n02");
  must(again.runs == 0);
  return 0;
}
