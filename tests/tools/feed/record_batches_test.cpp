// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/record_batches.h>
#include <gtest/gtest.h>

#include <vector>

namespace headgate::tools {
namespace {

// Who was told, and how many bytes of records.
struct Told {
  uint64_t session;
  std::string rendition;
  size_t bytes;
  bool operator==(const Told&) const = default;
};

class RecordBatchesTest : public ::testing::Test {
 protected:
  void add(uint64_t session, const std::string& rendition, size_t bytes) {
    wire::SessionOpened of;
    of.session = session;
    of.event = 7;
    of.station = 8;
    batches_.add(of, rendition, ByteVector(bytes));
  }
  std::vector<Told> told_;
  RecordBatches batches_{[this](const wire::StreamRecords& records) {
    EXPECT_EQ(records.event, 7u);
    EXPECT_EQ(records.station, 8u);
    EXPECT_LE(records.records.size(), wire::kMaxRecordsBytes);
    told_.push_back({records.session, records.rendition, records.records.size()});
  }};
};

TEST_F(RecordBatchesTest, RecordsOfARenditionGoTogetherTheSourcesFirst) {
  add(1, "480p", 10);
  add(1, "", 20);
  add(2, "", 30);
  add(1, "", 40);
  EXPECT_TRUE(told_.empty());
  batches_.flush(1);
  EXPECT_EQ(told_, (std::vector<Told>{{1, "", 68}, {1, "480p", 14}}));
  batches_.flush_all();
  EXPECT_EQ(told_.back(), (Told{2, "", 34}));
  EXPECT_EQ(told_.size(), 3u);
  batches_.flush_all();
  EXPECT_EQ(told_.size(), 3u) << "nothing is told twice";
}

TEST_F(RecordBatchesTest, AFullMessageGoesBehindTheSources) {
  const size_t half = wire::kMaxRecordsBytes / 2;
  add(1, "", 10);
  add(2, "", 10);
  add(1, "480p", half);
  add(1, "480p", half);
  EXPECT_EQ(told_, (std::vector<Told>{{1, "", 14}, {1, "480p", half + 4}}));
  batches_.flush_all();
  EXPECT_EQ(told_,
            (std::vector<Told>{{1, "", 14}, {1, "480p", half + 4}, {1, "480p", half + 4}, {2, "", 14}}));
}

}  // namespace
}  // namespace headgate::tools
