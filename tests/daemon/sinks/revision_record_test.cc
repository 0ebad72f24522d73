#include "daemon/sinks/revision_record.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sinks/sinks_fixture.h"

namespace stuffwatch::daemon::sinks {
namespace {

std::vector<std::string> labels_in(std::string_view bytes, std::size_t* damaged = nullptr) {
  std::vector<std::string> labels;
  RecordScanner scanner(bytes);
  while (const auto entry = scanner.next()) labels.push_back(label(entry->revision));
  if (damaged) *damaged = scanner.damaged() + bytes.size() - scanner.valid_end();
  return labels;
}

std::string three_records(std::vector<std::size_t>* ends = nullptr) {
  std::string bytes;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(append_record(bytes, {i, {}, make_revision("c" + std::to_string(i), 1, 20)}));
    if (ends) ends->push_back(bytes.size());
  }
  return bytes;
}

TEST(RevisionRecord, BringsBackEveryMember) {
  Revision in = make_revision("0123456789abcdef", 7);
  in.feed = Feed::kAccounts;
  in.severity = detectors::Severity::kCritical;
  in.urgency = detectors::Urgency::kPage;
  in.status = CampaignStatus::kClosed;
  in.reason = detectors::RevisionReason::kMerged;
  in.attack = detectors::AttackKind::kAccountTakeover;
  in.end_time = detectors::EventTime(-5ms);
  std::string bytes;
  ASSERT_TRUE(append_record(bytes, {42, WallTime(9ms), in}));
  const auto out = RecordScanner(bytes).next();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->sequence, 42U);
  EXPECT_EQ(out->appended, WallTime(9ms));
  const Revision& got = out->revision;
  EXPECT_EQ(
      std::tie(got.feed, got.id, got.revision, got.time, got.end_time, got.severity, got.urgency),
      std::tie(in.feed, in.id, in.revision, in.time, in.end_time, in.severity, in.urgency));
  EXPECT_EQ(
      std::tie(got.status, got.reason, got.attack, got.tenant, got.primary, got.summary, got.body),
      std::tie(in.status, in.reason, in.attack, in.tenant, in.primary, in.summary, in.body));
}

TEST(RevisionRecord, CutAnywhereGivesTheWholeRecordsBefore) {
  std::vector<std::size_t> ends;
  const std::string bytes = three_records(&ends);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto whole = static_cast<std::size_t>(
        std::ranges::count_if(ends, [&](auto end) { return end <= size; }));
    RecordScanner scanner(std::string_view(bytes).substr(0, size));
    std::size_t count = 0;
    while (scanner.next()) ++count;
    ASSERT_EQ(count, whole) << size;
    ASSERT_EQ(scanner.valid_end(), whole == 0 ? 0 : ends[whole - 1]);
    ASSERT_EQ(scanner.damaged(), 0U);
  }
}

TEST(RevisionRecord, AnyFlippedByteLosesItsRecordOnly) {
  std::vector<std::size_t> ends;
  const std::string bytes = three_records(&ends);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string hurt = bytes;
    hurt[at] = static_cast<char>(hurt[at] ^ 0x20);
    std::vector<std::string> expected{"c1/1", "c2/1", "c3/1"};
    const std::size_t record = at < ends[0] ? 0 : at < ends[1] ? 1 : 2;
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(record));
    std::size_t damaged = 0;
    ASSERT_EQ(labels_in(hurt, &damaged), expected) << at;
    ASSERT_EQ(damaged, ends[record] - (record == 0 ? 0 : ends[record - 1]));
  }
}

TEST(RevisionRecord, RandomBytesAreNeverRecords) {
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 600, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 50) bytes.replace(at, 4, "\x01SWR");
    EXPECT_TRUE(labels_in(bytes).empty());
  }
}

TEST(RevisionRecord, ACopyOfAnEarlierSequenceIsPassedOver) {
  std::string bytes = three_records();
  bytes += three_records();
  std::size_t damaged = 0;
  EXPECT_EQ(labels_in(bytes, &damaged).size(), 3U);
  EXPECT_EQ(damaged, 0U);
}

TEST(RevisionRecord, RefusesWhatIsTooLarge) {
  std::string bytes = "before";
  EXPECT_FALSE(append_record(bytes, {1, {}, make_revision("c", 1, kMaxRecordBytes)}));
  EXPECT_EQ(bytes, "before");
}

}  // namespace
}  // namespace stuffwatch::daemon::sinks
