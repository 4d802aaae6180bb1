// SPDX-License-Identifier: LGPL-2.1-or-later
// Sheets of small pictures (playlist/storyboard.h), each made once, in a thread of its own, when somebody
// asks, and kept under <root>/derived/.sheets: a sheet's file is named for what it is made of, so that none
// is ever stale. The oldest leave. Whoever deletes them makes them be made again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <base/loop.h>
#include <base/result.h>

#include "bytes_ptr.h"
#include "disk.h"
#include "jpeg_sheet.h"

namespace headgate::origin {

inline constexpr char kSheetFolder[] = "derived/.sheets";
inline constexpr uint64_t kMaxPictureBytes = 1ull << 20;      // of a picture's segment
inline constexpr size_t kMaxSheetBytes = 4u << 20;            // of one
inline constexpr uint64_t kMaxKeptSheetBytes = 256ull << 20;  // of all that are kept; about 3,000
inline constexpr size_t kMaxWaitingSheets = 64;               // asked for at a time

// The JPEG in a segment: the payload of its first mdat. Error: there is none.
Result<Bytes> picture_in(Bytes segment);

struct SheetWanted {
  // A range of a media file below the root, as records tell it; no length: the tile stays grey.
  struct Picture {
    std::string file;
    uint64_t offset = 0, length = 0;
  };
  SheetLayout layout;
  std::vector<Picture> pictures;  // by tile

  // 32 hexadecimal digits, others for anything that is different.
  std::string name() const;
};

// In the loop's thread.
class Sheets {
 public:
  struct Made {
    BytesPtr jpeg;
    bool complete = false;  // all pictures could be read; damaged ones are grey for good
  };
  // `kept`: kMaxKeptSheetBytes.
  Sheets(Loop& loop, std::string root, uint64_t kept = kMaxKeptSheetBytes);

  // `done` later, or at once with EBUSY (kMaxWaitingSheets). Error also: ENODATA, no picture could be read.
  void get(SheetWanted wanted, std::function<void(Result<Made>)> done);

 private:
  struct Store;
  std::shared_ptr<Store> store_;  // the thread's
  std::shared_ptr<size_t> waiting_ = std::make_shared<size_t>(0);
  Disk disk_;
};

}  // namespace headgate::origin
