#include "ingest/guess_format.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/decode_sshd.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest {
namespace {

using testing::Padded;

// Knows exactly the lines that start with one letter; skips those that start with '-'.
class LetterDecoder final : public Decoder {
 public:
  explicit LetterDecoder(char letter) : letter_(letter) {}
  Verdict decode(const RawRecord& record, LoginCollector& out) override {
    if (record.bytes.empty()) return Verdict::skipped(Skip::kBlankLine);
    if (record.bytes.front() == '-') return Verdict::skipped(Skip::kNotALogin);
    if (record.bytes.front() != letter_) return Verdict::rejected(Reject::kNotThisFormat);
    out.add({});
    return {};
  }

 private:
  char letter_;
};

constexpr DecoderInfo kTable[] = {
    {"a", "", [] { return std::unique_ptr<Decoder>(std::make_unique<LetterDecoder>('a')); }},
    {"b", "", [] { return std::unique_ptr<Decoder>(std::make_unique<LetterDecoder>('b')); }},
    {"sshd", "", make_sshd_decoder},
};

struct Lines {
  std::deque<Padded> memory;
  std::vector<RawRecord> records;

  void add(std::string_view line, std::size_t times = 1) {
    for (; times > 0; --times) records.push_back(memory.emplace_back(line).record());
  }
  [[nodiscard]] FormatGuess guess() const { return guess_format(records, kTable); }
  [[nodiscard]] std::string name() const {
    const FormatGuess found = guess();
    return found.decoder == nullptr ? "" : std::string(found.decoder->name);
  }
};

constexpr const char* kCron = "Mar 27 13:06:56 h CRON[1]: session opened";
constexpr const char* kFailed =
    "Mar 27 13:06:56 h sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2";

TEST(GuessFormat, NothingGivesNothing) {
  Lines none;
  EXPECT_EQ(none.name(), "");
  EXPECT_EQ(none.guess().logins, 0U);
  none.add("", 50);
  EXPECT_EQ(none.name(), "");
  none.add("zzz", 50);
  EXPECT_EQ(none.name(), "");
}

TEST(GuessFormat, TheMostLoginsWin) {
  Lines lines;
  lines.add("a", 40);
  lines.add("b", 60);
  lines.add("", 60);
  EXPECT_EQ(lines.name(), "b");
  EXPECT_EQ(lines.guess().logins, 60U);
  Lines tie;
  tie.add("b", 10);
  tie.add("a", 10);
  EXPECT_EQ(tie.name(), "a") << "the first of the table";
}

TEST(GuessFormat, RejectsCountAgainst) {
  Lines lines;
  lines.add("a", 30);
  lines.add(kFailed, 25);
  lines.add(kCron, 30);
  EXPECT_EQ(lines.name(), "sshd") << "fewer logins, but it knows the rest";
}

// What nobody can read is no reason to read nothing.
TEST(GuessFormat, ALoginOutweighsWhatAllReject) {
  Lines lines;
  lines.add("zzz", 150);
  lines.add("a");
  EXPECT_EQ(lines.name(), "a");
  EXPECT_EQ(lines.guess().logins, 1U);
}

TEST(GuessFormat, ALoginOutweighsAShape) {
  Lines lines;
  lines.add(kCron, 150);
  lines.add("a");
  EXPECT_EQ(lines.name(), "a");
}

TEST(GuessFormat, AnAuthLogWithFewSshdLines) {
  Lines lines;
  lines.add(kCron, 6'900);
  lines.add(kFailed, 3);
  lines.add(kCron, 97);
  EXPECT_EQ(lines.name(), "sshd");
  EXPECT_EQ(lines.guess().logins, 3U) << "all are looked at when the sample has no login";
}

TEST(GuessFormat, TheShapeAloneSaysLittle) {
  Lines lines;
  lines.add(kCron, 500);
  EXPECT_EQ(lines.name(), "sshd");
  EXPECT_EQ(lines.guess().logins, 0U);
}

TEST(GuessFormat, OneRecordIsEnough) {
  Lines lines;
  lines.add(kFailed);
  EXPECT_EQ(lines.name(), "sshd");
  EXPECT_EQ(lines.guess().logins, 1U);
}

// Every JSON decoder sees an object; only the right one sees a login.
TEST(GuessFormat, TheTableOfAllDecoders) {
  const auto name_for = [](std::string_view line) {
    Lines lines;
    lines.add(line, 3);
    const FormatGuess found = guess_format(lines.records);
    return found.decoder == nullptr ? std::string() : std::string(found.decoder->name);
  };
  EXPECT_EQ(name_for(kFailed), "sshd");
  EXPECT_EQ(name_for(R"({"__REALTIME_TIMESTAMP":"1767323045999999","SYSLOG_IDENTIFIER":"sshd",)"
                     R"("MESSAGE":"Invalid user ab from 192.0.2.7 port 22"})"),
            "sshd");
  EXPECT_EQ(name_for(R"({"time":"2026-01-02T03:04:05Z","account":"ann@shop.example",)"
                     R"("outcome":"failure","ip":"192.0.2.7"})"),
            "native");
  EXPECT_EQ(name_for(R"({"@timestamp":"2026-01-02T03:04:05Z","user":{"name":"ann"},"event":)"
                     R"({"category":["authentication"],"outcome":"failure"},)"
                     R"("source":{"ip":"192.0.2.7"}})"),
            "ecs");
  EXPECT_EQ(name_for(R"({"class_uid":3002,"activity_id":1,"time":1767323045999,"status_id":2,)"
                     R"("user":{"name":"ann"},"src_endpoint":{"ip":"192.0.2.7"}})"),
            "ocsf");
}

}  // namespace
}  // namespace stuffwatch::ingest
