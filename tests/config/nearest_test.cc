#include "config/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace stuffwatch::config {
namespace {

const std::vector<std::string> kWords = {"topic", "topics", "brokers", "group", "id"};

TEST(Nearest, FindsTheWordMeant) {
  EXPECT_EQ(nearest("tpoic", kWords), "topic");
  EXPECT_EQ(nearest("topcis", kWords), "topics");
  EXPECT_EQ(nearest("BROKERS", kWords), "brokers");
  EXPECT_EQ(nearest("brokrs", kWords), "brokers");
  EXPECT_EQ(nearest("groups", kWords), "group");
  EXPECT_EQ(nearest("i", kWords), "id");
}

TEST(Nearest, IsSilentRatherThanWrong) {
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("partition", kWords), "");
  EXPECT_EQ(nearest("xy", kWords), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), kWords), "");
  EXPECT_EQ(nearest("topic", {}), "");
}

}  // namespace
}  // namespace stuffwatch::config
