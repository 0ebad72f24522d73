#include "ingest/simulation/names.h"

#include <string>
#include <unordered_set>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stuffwatch::ingest::simulation {
namespace {

std::string name(const Names& names, PersonId person) {
  std::string out;
  names.append(out, person);
  return out;
}

TEST(Names, NoTwoPeopleShareOne) {
  const Names names(5);
  std::unordered_set<std::string> seen;
  for (PersonId person = 0; person < 300'000; ++person) {
    const std::string text = name(names, person);
    ASSERT_TRUE(seen.insert(text).second) << text;
  }
}

TEST(Names, StayInReservedDomainsAndNeedNoEscape) {
  const Names names(6);
  for (PersonId person = 0; person < 20'000; ++person) {
    const std::string text = name(names, person);
    EXPECT_TRUE(text.ends_with(".example") || text.ends_with(".test")) << text;
    EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-@"), text.npos)
        << text;
  }
}

// The two words of a name, in alphabetical order, and its domain.
struct Parts {
  std::string words, domain;
};
Parts parts(const std::string& text) {
  const std::size_t joint = text.find_first_of("._-"), at_sign = text.find('@');
  std::string left = text.substr(0, joint), right = text.substr(joint + 1, at_sign - joint - 1);
  right.resize(right.find_last_not_of("0123456789") + 1);
  if (right < left) std::swap(left, right);
  return {left + ' ' + right, text.substr(at_sign + 1)};
}

// Numbers aside, there are 12,288 pairs of words; no mistake turns one into another.
TEST(Names, AMisspeltNameIsNobodys) {
  const Names names(7);
  std::unordered_set<std::string> pairs, domains;
  for (PersonId person = 0; person < 400'000; ++person) {
    const Parts right = parts(name(names, person));
    pairs.insert(right.words);
    domains.insert(right.domain);
  }
  ASSERT_EQ(pairs.size(), 12'288u);
  for (PersonId person = 0; person < 400'000; ++person) {
    std::string wrong;
    names.append_misspelt(wrong, person, 1 + person % 24);
    const Parts typed = parts(wrong);
    ASSERT_FALSE(pairs.contains(typed.words) && domains.contains(typed.domain))
        << name(names, person) << " became " << wrong;
    EXPECT_TRUE(wrong.ends_with(".example") || wrong.ends_with(".test")) << wrong;
  }
}

}  // namespace
}  // namespace stuffwatch::ingest::simulation
