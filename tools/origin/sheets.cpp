// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sheets.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/sha256.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "media_files.h"

namespace headgate::origin {
namespace {

namespace fs = std::filesystem;

constexpr char kVersion[] = "1";  // of how sheets are made
constexpr size_t kNameBytes = 16;
constexpr std::string_view kEnding = ".jpg";

}  // namespace

Result<Bytes> picture_in(Bytes segment) {
  constexpr size_t kHeader = 8;
  constexpr uint32_t kMdat = 0x6d646174;
  while (segment.size() >= kHeader) {
    ByteReader reader(segment);
    const uint32_t size = reader.u32(), type = reader.u32();
    if (size < kHeader || size > segment.size()) break;
    if (type == kMdat) return segment.subspan(kHeader, size - kHeader);
    segment = segment.subspan(size);
  }
  return Unexpected(ENODATA, "no picture in its segment");
}

std::string SheetWanted::name() const {
  std::string text = kVersion;
  for (const uint32_t number :
       {layout.columns, layout.rows, layout.picture_width, layout.picture_height, layout.eighths})
    text += "," + std::to_string(number);
  for (const Picture& one : pictures)
    text += "\n" + std::to_string(one.offset) + "+" + std::to_string(one.length) + " " + one.file;
  const Digest digest = sha256(std::as_bytes(std::span(text)));
  return to_hex(Bytes(digest).first(kNameBytes));
}

// In the disk's thread.
struct Sheets::Store {
  const std::string root, folder;
  const uint64_t most;
  std::optional<uint64_t> kept;  // bytes; none: nobody has looked

  Store(std::string its_root, uint64_t its_most)
      : root(std::move(its_root)), folder(root + "/" + kSheetFolder), most(its_most) {}

  struct Sheet {
    ByteVector jpeg;
    bool complete = false;
  };

  Result<Sheet> get(const SheetWanted& wanted) {
    const std::string path = folder + "/" + wanted.name() + std::string(kEnding);
    if (auto there = read_file(path, kMaxSheetBytes); there && !there->empty())
      return Sheet{*std::move(there), true};
    auto made = make(wanted);
    if (made && made->complete) keep(path, made->jpeg);
    return made;
  }

  Result<Sheet> make(const SheetWanted& wanted) const {
    auto sheet = JpegSheet::make(wanted.layout);
    if (!sheet) return Unexpected(sheet.error());
    uint32_t place = 0, read = 0;
    bool complete = true;
    for (const SheetWanted::Picture& one : wanted.pictures) {
      const uint32_t tile = place++;
      if (one.length == 0) continue;
      const auto segment = read_picture(one);
      complete = complete && segment.has_value();
      if (!segment) continue;
      ++read;
      // A damaged one is grey.
      if (const auto jpeg = picture_in(*segment)) (void)sheet->put(tile, *jpeg).has_value();
    }
    if (read == 0) return Unexpected(ENODATA, "none of a sheet's pictures is there any more");
    auto jpeg = sheet->encode();
    if (!jpeg) return Unexpected(jpeg.error());
    return Sheet{*std::move(jpeg), complete};
  }

  Result<ByteVector> read_picture(const SheetWanted::Picture& one) const {
    if (one.length > kMaxPictureBytes) return Unexpected(ENODATA, "a picture that is too large");
    const auto file = open_media(root, one.file);
    if (!file) return Unexpected(file.error());
    return pread_exact((*file)->fd.get(), one.offset, one.length);
  }

  // Without room for it, or where nothing may be written, it is made again next time.
  void keep(const std::string& path, Bytes jpeg) {
    if (!make_directories(folder)) return;
    if (!kept) kept = clear(most);
    if (replace_file(path, jpeg)) *kept += jpeg.size();
    if (*kept > most) kept = clear(most / 4 * 3);
  }

  // Deletes the oldest ones until `least` bytes are left at most; returns how many are.
  uint64_t clear(uint64_t least) const {
    struct Kept {
      fs::path path;
      fs::file_time_type time;
      uint64_t size;
    };
    std::vector<Kept> all;
    uint64_t sum = 0;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      std::error_code lost;
      const Kept one{at->path(), at->last_write_time(lost), lost ? 0 : at->file_size(lost)};
      if (lost || one.path.extension() != kEnding) {
        fs::remove(one.path, lost);  // half written
        continue;
      }
      sum += one.size;
      all.push_back(one);
    }
    std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.time < b.time; });
    for (auto one = all.begin(); one != all.end() && sum > least; ++one)
      if (fs::remove(one->path, error)) sum -= one->size;
    return sum;
  }
};

Sheets::Sheets(Loop& loop, std::string root, uint64_t kept)
    : store_(std::make_shared<Store>(std::move(root), kept)), disk_(loop, "hg-sheets") {}

void Sheets::get(SheetWanted wanted, std::function<void(Result<Made>)> done) {
  if (*waiting_ >= kMaxWaitingSheets)
    return done(Unexpected(EBUSY, "too many sheets are being made; try again"));
  ++*waiting_;
  disk_.run(true, [store = store_, waiting = waiting_, wanted = std::move(wanted), done = std::move(done)] {
    auto sheet = std::make_shared<Result<Store::Sheet>>(store->get(wanted));
    return [sheet, waiting, done] {
      --*waiting;
      if (!*sheet) return done(Unexpected(sheet->error()));
      const ByteVector& jpeg = (*sheet)->jpeg;
      done(Made{BytesPtr(g_bytes_new(jpeg.data(), jpeg.size())), (*sheet)->complete});
    };
  });
}

}  // namespace headgate::origin
