#include "detectors/campaigns/list_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/detectors/campaigns/site.h"

namespace stuffwatch::detectors {
namespace {

using testing::HasSubstr;
using testing::Not;

// Three lists; the second is another ordering of the first.
ListDirectory directory() {
  return {.lists = {{11, "alpha", {}}, {11, "alpha", {}}, {22, "beta", {}}},
          .digest = "0123",
          .state = "ok"};
}
constexpr ListHit kAlpha{0, 0, 7}, kAlphaSorted{1, 0, 900}, kBeta{2, 0, 3};

std::uint64_t count_of(const ListShares& shares, std::uint64_t key) {
  const auto* const entry = shares.lists.find(key);
  return entry == nullptr ? 0 : entry->count;
}

TEST(ListShares, CountOrderingsOfAListOnce) {
  ListShares shares;
  shares.add(std::array{kAlpha, kAlphaSorted, kBeta}, directory());
  shares.add(std::array{kAlphaSorted}, directory());
  shares.add({}, directory());
  EXPECT_EQ(shares.looked_up, 3U);
  EXPECT_EQ(count_of(shares, 11), 2U);
  EXPECT_EQ(count_of(shares, 22), 1U);
}

TEST(ListShares, CountNobodyWhoWasNotLookedUp) {
  ListShares shares;
  shares.add({}, ListDirectory{});
  EXPECT_EQ(shares.looked_up, 0U);
}

TEST(ListRates, LearnWhatTheSitesOwnAccountsAreIn) {
  ListRates rates;
  rates.use(directory());
  EXPECT_DOUBLE_EQ(rates.expected(11, directory()), .01) << "before anything is known";
  for (int i = 0; i < 600; ++i)
    i % 3 == 0 ? rates.learn(std::array{kAlpha, kAlphaSorted}, directory())
               : rates.learn({}, directory());
  EXPECT_DOUBLE_EQ(rates.expected(11, directory()), (200 + 4) / (600. + 400));
  EXPECT_DOUBLE_EQ(rates.expected(22, directory()), 4 / (600. + 400));
}

TEST(ListRates, LearnAListThatIsNewFromThenOn) {
  ListDirectory with_both = directory(), first_only = directory();
  first_only.lists.pop_back();
  ListRates rates;
  rates.use(first_only);
  for (int i = 0; i < 1000; ++i) rates.learn({}, first_only);
  rates.use(with_both);
  for (int i = 0; i < 100; ++i) rates.learn(std::array{kBeta}, with_both);
  EXPECT_DOUBLE_EQ(rates.expected(22, with_both), (100 + 4) / (100. + 400));
  EXPECT_DOUBLE_EQ(rates.expected(11, with_both), 4 / (1100. + 400));
}

TEST(ListRates, ForgetByHalvesAndComeBackFromTheirState) {
  ListRates rates;
  rates.use(directory());
  for (int i = 0; i < (1 << 20) + 10; ++i) rates.learn(std::array{kAlpha}, directory());
  constexpr double kLogins = (1 << 19) + 10;
  EXPECT_DOUBLE_EQ(rates.expected(11, directory()), (kLogins + 4) / (kLogins + 400));
  std::string bytes, again;
  StateWriter writer(bytes), second(again);
  rates.save(writer);
  ListRates back;
  StateReader reader(bytes);
  back.load(reader);
  ASSERT_TRUE(reader.finish("rates"));
  EXPECT_EQ(back.expected(11, directory()), rates.expected(11, directory()));
  back.save(second);
  EXPECT_EQ(bytes, again);
}

TEST(ListRates, GiveWayToWhatARegisterKnows) {
  ListDirectory known = directory();
  for (corpus::ListName& list : known.lists) list.base_rate = .25;
  EXPECT_DOUBLE_EQ(ListRates().expected(22, known), .25);
}

TEST(ListShares, StandOutFarBeyondChance) {
  EXPECT_TRUE(stands_out(10, 10, .03));
  EXPECT_FALSE(stands_out(9, 9, .001)) << "too few to name a list";
  EXPECT_FALSE(stands_out(30, 1000, .03));
  EXPECT_FALSE(stands_out(330, 1000, .3)) << "no more than the site's own";
  EXPECT_FALSE(stands_out(5500, 10'000, .5)) << "ten deviations, and yet hardly more";
  EXPECT_TRUE(stands_out(700, 1000, .3));
}

// What the alert says.
struct ListedSite : Site {
  ListedSite() { campaigns.set_directory(std::make_shared<const ListDirectory>(directory())); }
  void login(std::uint64_t account, std::span<const ListHit> hits) {
    LoginEvent e = event(at(-1h), account, ip_of("198.51.100.1"), Outcome::kSuccess);
    e.lists = hits;
    campaigns.learn(e);
  }
  void listed_attempt(EventTime time, std::uint64_t account, std::span<const ListHit> hits) {
    LoginEvent e = event(time, account, kSource, Outcome::kFailure);
    e.lists = hits;
    campaigns.observe({&e, Entity::address(1, kSource)}, out);
  }
};

TEST(AlertLists, HaveTheirShareOfTheAccountsAndWhatIsExpected) {
  ListedSite site;
  const std::array alpha{kAlpha, kAlphaSorted};
  const std::array beta{kBeta};
  for (std::uint64_t i = 0; i < 100; ++i)
    site.login(10'000 + i, i < 16 ? std::span<const ListHit>(alpha) : std::span<const ListHit>());
  site.find(at(0s), address("192.0.2.7"), 0, 30);  // of whom nobody knows a list
  for (std::uint64_t i = 0; i < 600; ++i)
    site.listed_attempt(
        at(2h), 100 + i % 300,
        i % 300 < 200 ? std::span<const ListHit>(alpha) : std::span<const ListHit>(beta));
  site.tick(at(2h + 1s));
  const std::string body = site.of(Feed::kAlerts).back().body;
  EXPECT_THAT(
      body,
      HasSubstr(R"("lists":[{"name":"alpha","accounts":200,"share":0.6061,"expected_share":0.04},)"
                R"({"name":"beta","accounts":100,"share":0.303,"expected_share":0.008}])"));
  EXPECT_THAT(body, HasSubstr(R"("looked_up":330})"));
  EXPECT_THAT(body, HasSubstr("; 61 % of its accounts are in alpha, where 4.0 % are expected"));
  EXPECT_THAT(body, HasSubstr(R"("corpus_digest":"0123")"));
}

TEST(AlertLists, AreAbsentWithoutACorpus) {
  Site site;
  site.find(at(0s), address("192.0.2.7"), 0, 30);
  const std::string body = site.of(Feed::kAlerts).back().body;
  EXPECT_THAT(body, HasSubstr(R"("lists":[])"));
  EXPECT_THAT(body, Not(HasSubstr("looked_up")));
}

TEST(AlertLists, OfEvidenceCountOnceHoweverOftenItIsLookedAt) {
  ListedSite site;
  const std::array alpha{kAlpha};
  for (const auto when : {0s, 10s}) {
    Finding finding{.seq = ++site.seq, .time = at(when), .key = address("192.0.2.7")};
    finding.factor = {.statistic = "s", .null_model = "n", .window = "w", .value = 1e9};
    finding.evidence.start = finding.evidence.end = at(when);
    for (std::uint64_t i = 0; i < 20; ++i)
      finding.evidence.list.push_back({AccountKey{i}, at(when), 1, false, alpha});
    site.campaigns.find(finding, nullptr, site.out);
  }
  EXPECT_EQ(site.only().lists.looked_up, 20U);
  EXPECT_EQ(count_of(site.only().lists, 11), 20U);
}

TEST(AlertLists, OutliveAReloadThatNumbersThemOtherwise) {
  ListedSite site;
  const std::array beta{kBeta};
  const std::array beta_later{ListHit{0, 0, 5}};
  site.find(at(0s), address("192.0.2.7"), 0, 1);
  for (std::uint64_t i = 0; i < 10; ++i) site.listed_attempt(at(1s), 100 + i, beta);
  site.campaigns.set_directory(std::make_shared<const ListDirectory>(
      ListDirectory{.lists = {{22, "beta", {}}}, .digest = "4567", .state = "ok"}));
  for (std::uint64_t i = 0; i < 10; ++i) site.listed_attempt(at(2s), 200 + i, beta_later);
  EXPECT_EQ(count_of(site.only().lists, 22), 20U);
}

}  // namespace
}  // namespace stuffwatch::detectors
