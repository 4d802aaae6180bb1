// SPDX-License-Identifier: LGPL-2.1-or-later
// Marks, as who looks from outside reads them.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wire/marks.h>

namespace headgate::wire {
namespace {

TEST(Marks, SaysForWhomAThreadIsAtWork) {
  auto marks = Marks::create(2);
  ASSERT_TRUE(marks) << marks.error().message;
  EXPECT_TRUE(read_marks(marks->fd())->empty());
  auto* first = marks->add(7, 77, 1);
  auto* second = marks->add(8, 77, 2);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(marks->add(9, 77, 3), nullptr) << "more than there are slots";
  ++*first;
  *second += 2;
  const std::vector<Mark> expected = {{7, 77, 1, 1, false}, {8, 77, 2, 2, false}};
  EXPECT_EQ(*read_marks(marks->fd()), expected);
  EXPECT_TRUE(expected[0].at_work());
  EXPECT_FALSE(expected[1].at_work());
  marks->remove(7);
  EXPECT_EQ(*read_marks(marks->fd()), std::vector<Mark>{expected[1]});
  EXPECT_EQ(*marks->add(9, 77, 3), 0u) << "a slot that was used counts from its beginning";
}

TEST(Marks, OutliveWhoMadeThemAndNameWhoseThreadCrashed) {
  UniqueFd left;
  {
    auto marks = Marks::create(3);
    ASSERT_TRUE(marks);
    marks->add(1, 77, 1);
    marks->add(2, 77, 2);
    marks->note_crash(2);
    left = UniqueFd(::dup(marks->fd()));
  }
  const auto read = read_marks(left.get());
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2u);
  EXPECT_FALSE((*read)[0].crashed);
  EXPECT_TRUE((*read)[1].crashed);
}

TEST(Marks, WhatIsNoSuchFileIsRefused) {
  EXPECT_FALSE(read_marks(-1));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd out(ends[0]), in(ends[1]);
  EXPECT_FALSE(read_marks(out.get()));
  const UniqueFd file(::memfd_create("test", 0));
  for (const off_t bytes : {off_t{0}, off_t{31}, off_t{33}, static_cast<off_t>(32 * (kMaxMarks + 2))}) {
    ASSERT_EQ(::ftruncate(file.get(), bytes), 0);
    EXPECT_FALSE(read_marks(file.get())) << bytes;
  }
  ASSERT_EQ(::ftruncate(file.get(), 64), 0);
  EXPECT_TRUE(read_marks(file.get()));
}

}  // namespace
}  // namespace headgate::wire
