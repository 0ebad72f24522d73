#include "detectors/state/stranger_filter.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/detectors/streams.h"

namespace stuffwatch::detectors {
namespace {

using std::chrono::days;

LoginEvent login(std::uint64_t account, std::string_view ip, std::uint64_t client,
                 TenantId tenant = 1) {
  LoginEvent e;
  e.account = AccountKey{account}, e.source_ip = ip_of(ip), e.client = client, e.tenant = tenant;
  return e;
}
LoginEvent numbered(std::uint64_t i) {
  LoginEvent e;
  e.account = AccountKey{i * 0x9e3779b97f4a7c15ull},
  e.source_ip = IpAddress::v4(static_cast<std::uint32_t>(0x0a000000 + i % 5000 * 256)),
  e.client = i % 997 + 1;
  return e;
}

class StrangerFilterTest : public testing::Test {
 protected:
  bool stranger(const LoginEvent& e) const { return filter_.is_stranger(filter_.pairs_of(e)); }
  void learn(const LoginEvent& e) { filter_.learn(filter_.pairs_of(e)); }
  StrangerFilter filter_{10'000, 42};
};

TEST_F(StrangerFilterTest, KnowsTheNetworkOrTheClientOfASuccess) {
  learn(login(1, "192.0.2.7", 100));
  EXPECT_FALSE(stranger(login(1, "192.0.2.7", 100)));
  EXPECT_FALSE(stranger(login(1, "192.0.2.200", 999)));   // the same /24, another client
  EXPECT_FALSE(stranger(login(1, "198.51.100.1", 100)));  // elsewhere, the same client
  EXPECT_TRUE(stranger(login(1, "198.51.100.1", 999)));   // neither
  EXPECT_TRUE(stranger(login(2, "192.0.2.7", 100)));      // another account
  EXPECT_TRUE(stranger(login(1, "192.0.2.7", 100, 2)));   // another tenant's account of that name
}

TEST_F(StrangerFilterTest, SixBytesOfAnIpv6AddressAreItsNetwork) {
  learn(login(1, "2001:db8:1:2::7", 0));
  EXPECT_FALSE(stranger(login(1, "2001:db8:1:ffff::9", 0)));
  EXPECT_TRUE(stranger(login(1, "2001:db8:2:2::7", 0)));
}

TEST_F(StrangerFilterTest, AnUnknownClientIsNotAClient) {
  learn(login(1, "192.0.2.7", 0));
  EXPECT_TRUE(stranger(login(1, "198.51.100.1", 0)));
}

TEST_F(StrangerFilterTest, KeepsForThirtyDaysAndForgetsAfterSixty) {
  Random random(5);
  struct Learned {
    LoginEvent event;
    EventTime at;
  };
  std::vector<Learned> learned;
  for (auto hour = 0h; hour < 24h * 200; hour += 1h) {
    const EventTime now = kStart + hour;
    filter_.advance(now);
    if (hour % (24h * 4) == 0h) {
      learned.push_back({numbered(random.next()), now});
      learn(learned.back().event);
    }
    for (const Learned& l : learned) {
      if (now - l.at <= days{30}) {
        ASSERT_FALSE(stranger(l.event)) << "after " << (now - l.at) / 1h << " hours";
      }
      if (now - l.at > days{60} + 2h) {
        ASSERT_TRUE(stranger(l.event)) << "after " << (now - l.at) / 1h << " hours";
      }
    }
  }
  EXPECT_EQ(learned.size(), 50U);
}

TEST_F(StrangerFilterTest, ForgetsAfterSixtyDaysOfSilenceToo) {
  filter_.advance(kStart);
  learn(login(1, "192.0.2.7", 100));
  filter_.advance(kStart + days{90});
  EXPECT_TRUE(stranger(login(1, "192.0.2.7", 100)));
}

TEST_F(StrangerFilterTest, FindsAFewFalseFriendsAtItsDesignLoad) {
  for (std::uint64_t i = 0; i < 5000; ++i) learn(numbered(i));  // two pairs each
  for (std::uint64_t i = 0; i < 5000; ++i) ASSERT_FALSE(stranger(numbered(i)));
  int wrong = 0;
  constexpr int kAsked = 40'000;
  for (int i = 0; i < kAsked; ++i)
    wrong += stranger(numbered(1'000'000 + static_cast<std::uint64_t>(i))) ? 0 : 1;
  EXPECT_LE(wrong, kAsked * 3 / 100);
  EXPECT_GT(wrong, 0);  // else it would be larger than it says
}

TEST_F(StrangerFilterTest, ASavedFilterAnswersAndAgesAsTheFirst) {
  filter_.advance(kStart);
  for (std::uint64_t i = 0; i < 1000; ++i) learn(numbered(i));
  filter_.advance(kStart + days{31});
  for (std::uint64_t i = 1000; i < 2000; ++i) learn(numbered(i));
  std::string saved;
  StateWriter writer(saved);
  filter_.save(writer);

  StrangerFilter again(10'000, 42);
  StateReader reader(saved);
  const auto loaded = again.load(reader);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  std::string resaved;
  StateWriter rewriter(resaved);
  again.save(rewriter);
  EXPECT_EQ(saved, resaved);
  for (const EventTime now : {kStart + days{40}, kStart + days{62}, kStart + days{93}}) {
    filter_.advance(now), again.advance(now);
    int familiar = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      ASSERT_EQ(stranger(numbered(i)), again.is_stranger(again.pairs_of(numbered(i)))) << i;
      familiar += stranger(numbered(i)) ? 0 : 1;
    }
    EXPECT_EQ(familiar >= 2000, now < kStart + days{62});
  }
}

TEST_F(StrangerFilterTest, RefusesAStateOfAnotherSizeOrCutShort) {
  learn(login(1, "192.0.2.7", 100));
  std::string saved;
  StateWriter writer(saved);
  filter_.save(writer);
  StrangerFilter larger(20'000, 42);
  StateReader other(saved);
  EXPECT_FALSE(larger.load(other).has_value());
  for (std::size_t size = 0; size < saved.size(); size += 3) {
    StrangerFilter filter(10'000, 42);
    StateReader cut(std::string_view(saved).substr(0, size));
    EXPECT_FALSE(filter.load(cut).has_value()) << size;
  }
}

}  // namespace
}  // namespace stuffwatch::detectors
