#include "corpus/domain_counts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

namespace stuffwatch::corpus {
namespace {

using ::testing::SizeIs;

TEST(Domains, AreThoseThatSomebodyRegistered) {
  const PublicSuffixes suffixes;
  const auto of = [&](const std::string& host) { return std::string(suffixes.registrable(host)); };
  EXPECT_EQ(of("example.com"), "example.com");
  EXPECT_EQ(of("mail.eu.example.com"), "example.com");
  EXPECT_EQ(of("mail.example.co.uk"), "example.co.uk");
  EXPECT_EQ(of("co.uk"), "co.uk");
  EXPECT_EQ(of("a.b.test"), "b.test");
}

TEST(Domains, KeepTheLargestWhenThereAreTooMany) {
  constexpr std::size_t kMost = 100;
  DomainCounts counts(kMost);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 30; ++i) {
      const auto number = counts.enter(fmt::format("once{}.test", round * 30 + i), 1);
      counts.add(number, 1);
    }
    counts.add(counts.enter("large.example", 20), 20);
    counts.make_room();
  }
  EXPECT_FALSE(counts.exact());
  const auto top = counts.top(1);
  ASSERT_THAT(top, SizeIs(1));
  EXPECT_EQ(top[0], std::pair(std::string("large.example"), std::uint64_t{1000}));
  EXPECT_LE(counts.top(1000).size(), kMost);
}

}  // namespace
}  // namespace stuffwatch::corpus
