#include "ingest/format_guesser.h"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

constexpr std::string_view kNative =
    R"({"time":"2026-01-02T03:04:05Z","account":"ann","outcome":"failure","ip":"192.0.2.7"})";

RawChunk chunk_of(std::string_view record, std::int64_t offset = 0) {
  RawChunk chunk;
  auto memory = std::make_unique<char[]>(record.size() + RawChunk::kPadding);
  std::memcpy(memory.get(), record.data(), record.size());
  chunk.records.push_back({{memory.get(), record.size()}, offset, -1});
  chunk.memory.push_back(std::move(memory));
  chunk.next_offset = offset + 1;
  return chunk;
}

Verdict verdict(const DecoderInfo& info, std::string_view record) {
  testing::Kept kept;
  return info.make()->decode(testing::Padded(record).record(), kept);
}

using Found = FormatGuesser::Found;

Found add(FormatGuesser& guesser, std::string_view record, std::int64_t offset = 0) {
  RawChunk chunk = chunk_of(record, offset);
  const Found found = guesser.add(chunk);
  EXPECT_TRUE(chunk.records.empty());
  return found;
}

TEST(FormatGuesser, TheFirstLoginDecidesOverAllThatIsHeld) {
  FormatGuesser guesser;
  EXPECT_EQ(add(guesser, "\x01\x02", 7), Found::kNothing);
  EXPECT_EQ(add(guesser, "{}", 8), Found::kNothing);
  EXPECT_EQ(add(guesser, kNative, 9), Found::kFormat);
  EXPECT_EQ(&guesser.shape(), find_decoder("native"));
  EXPECT_EQ(guesser.records(), 3U);
  const auto held = guesser.take();
  ASSERT_EQ(held.size(), 3U);
  for (std::size_t i = 0; i < held.size(); ++i)
    EXPECT_EQ(held[i].records[0].offset, 7 + static_cast<std::int64_t>(i));
  EXPECT_EQ(held[0].records[0].bytes, "\x01\x02");
  EXPECT_EQ(guesser.records(), 0U);
}

TEST(FormatGuesser, IsFullBeyondSoManyRecords) {
  FormatGuesser guesser;
  for (std::size_t i = 0; i < FormatGuesser::kMostRecords; ++i)
    EXPECT_EQ(add(guesser, "x"), Found::kNothing);
  EXPECT_EQ(add(guesser, "x"), Found::kFull);
  EXPECT_EQ(guesser.take().size(), FormatGuesser::kMostRecords + 1);
  EXPECT_EQ(add(guesser, "x"), Found::kNothing) << "it begins afresh";
}

TEST(FormatGuesser, IsFullBeyondSoManyBytesButNotWithOneLongRecord) {
  const std::string too_long(kMaxRecordBytes + 1, 'x');
  FormatGuesser guesser;
  EXPECT_EQ(add(guesser, too_long), Found::kNothing);
  EXPECT_EQ(add(guesser, too_long), Found::kFull);
  static_cast<void>(guesser.take());
  EXPECT_EQ(add(guesser, too_long), Found::kNothing);
}

TEST(FormatGuesser, WhatIsBeyondTheBoundStaysInTheChunk) {
  RawChunk chunk;
  for (std::size_t i = 0; i < 300; ++i) {
    RawChunk one = chunk_of("record " + std::to_string(i), static_cast<std::int64_t>(10 * i));
    chunk.records.push_back(one.records[0]);
    chunk.memory.push_back(std::move(one.memory[0]));
  }
  chunk.next_offset = 3000;
  FormatGuesser guesser;
  EXPECT_EQ(guesser.add(chunk), Found::kFull);
  const auto held = guesser.take();
  ASSERT_EQ(held.size(), 1U);
  ASSERT_EQ(held[0].records.size(), FormatGuesser::kMostRecords + 1);
  EXPECT_EQ(held[0].records[200].bytes, "record 200");
  EXPECT_EQ(held[0].next_offset, 2010);
  ASSERT_EQ(chunk.records.size(), 99U);
  EXPECT_EQ(chunk.records[0].offset, 2010);
  EXPECT_EQ(chunk.records[0].bytes, "record 201");
  EXPECT_EQ(guesser.add(chunk), Found::kNothing);
}

TEST(FormatGuesser, WhatHasNoShapeIsRejected) {
  FormatGuesser guesser;
  EXPECT_EQ(add(guesser, "x"), Found::kNothing);
  EXPECT_FALSE(guesser.has_shape());
  EXPECT_EQ(verdict(guesser.shape(), "x").reject, Reject::kNotThisFormat);
  EXPECT_EQ(verdict(guesser.shape(), std::string(kMaxRecordBytes + 1, 'x')).reject,
            Reject::kTooLarge);
  EXPECT_EQ(verdict(guesser.shape(), "").skip, Skip::kBlankLine);
}

// A line of cron decides nothing, but is no poison either.
TEST(FormatGuesser, AShapeDecidesNothing) {
  constexpr std::string_view kCron = "Mar 27 13:06:56 h CRON[1]: session opened";
  FormatGuesser guesser;
  EXPECT_EQ(add(guesser, kCron), Found::kNothing);
  EXPECT_EQ(verdict(guesser.shape(), kCron).skip, Skip::kNotALogin);
}

}  // namespace
}  // namespace stuffwatch::ingest
