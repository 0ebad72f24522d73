// What a triage says in words, for results made by hand.
#include "daemon/commands/triage_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "daemon/commands/triage_page.h"
#include "daemon/commands/triage_words.h"

namespace stuffwatch::daemon {
namespace {

using corpus::Triage;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::uint64_t kMillion = 1'000'000;

corpus::TriagedList list(std::string name, std::uint64_t accounts, double in_order,
                         std::uint64_t held = 164 * kMillion) {
  corpus::TriagedList made{.name = std::move(name), .held = held, .accounts = accounts};
  const auto forward = static_cast<std::uint64_t>(in_order * static_cast<double>(accounts));
  made.order = {made.name, {accounts, forward, 0}};
  return made;
}

// Of so many accounts, a line each: of the first list 61 %, of the second 23 more, the rest new.
TriageReport report(std::uint64_t accounts, double in_order = 0.9) {
  TriageReport made{{}, "dump.7z", "2026-01-02T03:04:05.678Z", "00ff"};
  Triage& t = made.result;
  t.format = "email:pass", t.lines = t.tally.valid = t.accounts = accounts, t.of_addresses = true;
  t.known = accounts * 84 / 100;
  t.lists = {list("linkedin2012", accounts * 61 / 100, in_order),
             list("collection1", t.known - accounts * 61 / 100, 0)};
  t.explained_by = {{0, t.lists[0].accounts}, {1, t.known}};
  t.domains = {{"example.com", accounts}};
  return made;
}

TEST(TriageParagraph, IsThatOfTheClaim) {
  EXPECT_EQ(triage_paragraph(report(431 * kMillion)),
            "431,000,000 lines, 431 million accounts: 61 % are in linkedin2012, in that list's "
            "order, a further "
            "23 % in collection1; 16 % are in no list you hold; consistent with a recycled "
            "third-party breach. Says "
            "nothing about whether passwords work.");
}

TEST(TriageParagraph, HasIntervalsBelowAMillionLines) {
  EXPECT_THAT(triage_paragraph(report(kMillion)), Not(HasSubstr("(")));
  EXPECT_THAT(triage_paragraph(report(kMillion - 1)),
              HasSubstr("61 % (60.9 to 61.1 %) are in linkedin2012"));
  EXPECT_THAT(triage_text(report(kMillion), {}), Not(HasSubstr("95 %")));
  EXPECT_THAT(triage_text(report(kMillion - 1), {}), HasSubstr("95 %"));
}

TEST(TriageParagraph, OfFewLinesGivesNoReason) {
  EXPECT_THAT(triage_paragraph(report(399)),
              AllOf(StartsWith("too few lines to "), Not(HasSubstr("consistent"))));
  EXPECT_THAT(triage_paragraph(report(400)),
              AllOf(StartsWith("400 lines"), HasSubstr("consistent")));
  TriageReport repeated = report(300);
  repeated.result.lines = 5000;
  EXPECT_THAT(triage_paragraph(repeated),
              AllOf(StartsWith("too few accounts to "), Not(HasSubstr("consistent"))));
}

TEST(TriageParagraph, SaysMoreOnlyOfWhatIsMore) {
  EXPECT_THAT(triage_paragraph(report(kMillion, 0.3)), HasSubstr("partly in that list's order"));
  EXPECT_THAT(triage_paragraph(report(kMillion, 0)),
              AllOf(Not(HasSubstr("order")),
                    HasSubstr("consistent with accounts collected from earlier breaches")));
  TriageReport half = report(kMillion, 0);
  half.result.known = kMillion / 2;
  EXPECT_THAT(triage_paragraph(half), HasSubstr("explain a part of it"));
  half.result.known = kMillion / 10;
  EXPECT_THAT(triage_paragraph(half), HasSubstr("do not explain it"));
}

TEST(TriageParagraph, KnowsChance) {
  TriageReport chance = report(kMillion, 0);
  Triage& t = chance.result;
  t.lists = {list("everybody", 20'000, 0, 164 * kMillion)}, t.explained_by = {{0, 20'000}},
  t.known = 20'000;
  EXPECT_THAT(triage_paragraph(chance), HasSubstr("no more than chance gives"));
  chance.population = 80e9;
  EXPECT_THAT(triage_paragraph(chance), Not(HasSubstr("chance")));
}

TEST(TriageParagraph, OfUserNamesSaysSo) {
  TriageReport names = report(kMillion, 0);
  names.result.of_addresses = false;
  EXPECT_THAT(triage_paragraph(names),
              AllOf(HasSubstr("user names or phone numbers, not e-mail addresses"),
                    Not(HasSubstr("consistent"))));
  TriageReport mixed = report(kMillion);
  mixed.result.names_apart = {20, 10, 5};
  EXPECT_THAT(triage_paragraph(mixed),
              HasSubstr("10 user names or phone numbers beside them are counted apart"));
}

TEST(TriageParagraph, OfNothingSaysWhatToDo) {
  TriageReport none = report(kMillion);
  none.result.accounts = none.result.known = 0;
  EXPECT_THAT(triage_paragraph(none), HasSubstr("no account in any of them as email:pass"));
  TriageReport unknown = report(kMillion);
  unknown.result.known = 0, unknown.result.lists = {list("linkedin2012", 0, 0)};
  EXPECT_THAT(triage_paragraph(unknown),
              HasSubstr("none of them is in a list you hold; the lists"));
  unknown.result.lists.clear();
  EXPECT_THAT(triage_paragraph(unknown),
              HasSubstr("holds no list to compare them with. Says nothing"));
  TriageReport all = report(kMillion);
  all.result.known = kMillion;
  EXPECT_THAT(triage_paragraph(all), HasSubstr("; none is new;"));
}

TEST(TriagePage, TakesNamesForText) {
  TriageReport hostile = report(kMillion);
  hostile.dump = "<img src=x>\x1b[31m\"'&.txt";
  for (auto& l : hostile.result.lists) l.name = "</td><script>alert('x')</script>";
  const std::string page = triage_page(hostile);
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img")), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(page, HasSubstr("&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("&quot;&#39;&amp;.txt"));
  EXPECT_THAT(triage_text(hostile, {}), Not(HasSubstr("\x1b")));
}

TEST(TriageNumbers, AreRoundedForPeople) {
  EXPECT_EQ(about(0), "0");
  EXPECT_EQ(about(999'999), "999,999");
  EXPECT_EQ(about(1'000'000), "1.0 million");
  EXPECT_EQ(about(9'949'999), "9.9 million");
  EXPECT_EQ(about(9'950'000), "10 million");
  EXPECT_EQ(about(999'499'999), "999 million");
  EXPECT_EQ(about(999'500'000), "1.0 billion");
  EXPECT_EQ(percent(0.0), "0 %");
  EXPECT_EQ(percent(1e-9), "under 0.1 %");
  EXPECT_EQ(percent(0.0042), "0.4 %");
  EXPECT_EQ(percent(0.0994), "9.9 %");
  EXPECT_EQ(percent(0.613), "61 %");
  EXPECT_EQ(percent(0.996), "99.6 %");
  EXPECT_EQ(percent(0.999999), "over 99.9 %");
  EXPECT_EQ(percent(1.0), "100 %");
}

}  // namespace
}  // namespace stuffwatch::daemon
