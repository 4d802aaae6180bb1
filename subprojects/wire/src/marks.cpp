// SPDX-License-Identifier: LGPL-2.1-or-later
#include <wire/marks.h>

#include <base/io.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace headgate::wire {

struct Marks::Slot {
  std::atomic<uint64_t> session;  // 0: free; of the head: whose thread crashed, 0: nobody's
  uint32_t event, station;
  std::atomic<uint64_t> service;
  uint64_t unused;  // two slots in a cache line
};

namespace {

constexpr size_t kSlotBytes = 32;

struct Read {  // of a slot
  uint64_t session;
  uint32_t event, station;
  uint64_t service, unused;
};
static_assert(sizeof(Read) == kSlotBytes);

}  // namespace

Result<Marks> Marks::create(size_t sessions) {
  static_assert(sizeof(Slot) == kSlotBytes && std::atomic<uint64_t>::is_always_lock_free);
  const size_t count = std::min(sessions, kMaxMarks) + 1;
  UniqueFd file(::memfd_create("headgate-marks", MFD_CLOEXEC));
  if (!file) return errno_error("memfd_create");
  if (::ftruncate(file.get(), static_cast<off_t>(count * kSlotBytes)) != 0)
    return errno_error("the marks' memory");
  void* const memory = ::mmap(nullptr, count * kSlotBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return errno_error("the marks' memory");
  auto* slots = static_cast<Slot*>(memory);
  for (size_t i = 0; i < count; ++i) new (&slots[i]) Slot{};
  return Marks(std::move(file), slots, count);
}

Marks::Marks(Marks&& other) noexcept
    : file_(std::move(other.file_)), slots_(std::exchange(other.slots_, nullptr)), count_(other.count_) {}

Marks::~Marks() {
  if (slots_) ::munmap(slots_, count_ * kSlotBytes);
}

std::atomic<uint64_t>* Marks::add(uint64_t session, uint32_t event, uint32_t station) {
  for (Slot& slot : std::span(slots_, count_).subspan(1)) {
    if (slot.session != 0) continue;
    slot.event = event;
    slot.station = station;
    slot.service = 0;
    slot.session.store(session, std::memory_order_release);
    return &slot.service;
  }
  return nullptr;
}

bool Marks::remove(uint64_t session) {
  for (Slot& slot : std::span(slots_, count_).subspan(1)) {
    if (slot.session != session) continue;
    slot.session = 0;
    return true;
  }
  return false;
}

void Marks::note_crash(uint64_t session) {
  slots_[0].session = session;
}

Result<std::vector<Mark>> read_marks(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return errno_error("the marks");
  const auto bytes = static_cast<size_t>(status.st_size);
  // A pipe or a socket has no size, and what is mapped could shrink: it is copied.
  if (!S_ISREG(status.st_mode) || bytes < kSlotBytes || bytes % kSlotBytes != 0 ||
      bytes > (kMaxMarks + 1) * kSlotBytes)
    return Unexpected("the marks have a wrong size");
  auto content = pread_exact(fd, 0, bytes);
  if (!content) return Unexpected(content.error());
  std::vector<Read> slots(bytes / kSlotBytes);
  std::memcpy(slots.data(), content->data(), bytes);
  std::vector<Mark> out;
  for (const Read& slot : std::span(slots).subspan(1))
    if (slot.session != 0)
      out.push_back({slot.session, slot.event, slot.station, slot.service, slot.session == slots[0].session});
  return out;
}

}  // namespace headgate::wire
