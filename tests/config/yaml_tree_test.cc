#include "config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace stuffwatch::config {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = YamlNode::Kind;

std::string error_of(std::string_view text) {
  const auto document = parse_yaml(text, "f.yaml");
  return document ? "" : document.error().message;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlTree, KnowsWhereEachValueStands) {
  const auto document = parse_yaml("a: 1\nb:\n  - x\n  - {c: \"2\"}\n", "f.yaml");
  ASSERT_TRUE(document);
  const YamlNode& root = document->root;
  ASSERT_EQ(root.kind, Kind::kMap);
  const YamlNode* a = root.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->scalar, "1");
  EXPECT_FALSE(a->quoted);
  EXPECT_EQ(a->line, 1);
  EXPECT_EQ(a->column, 4);
  const YamlNode* b = root.find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->items.size(), 2U);
  const YamlNode* c = b->items[1].find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_TRUE(c->quoted);
  EXPECT_EQ(c->line, 4);
  EXPECT_EQ(c->column, 9);
  EXPECT_EQ(root.find("d"), nullptr);
}

TEST(YamlTree, CopiesAliases) {
  const auto document = parse_yaml("a: &x {k: v}\nb: *x\n", "f.yaml");
  ASSERT_TRUE(document);
  ASSERT_NE(document->root.find("b"), nullptr);
  ASSERT_NE(document->root.find("b")->find("k"), nullptr);
  EXPECT_EQ(document->root.find("b")->find("k")->scalar, "v");
}

TEST(YamlTree, RefusesWhatIsNoConfiguration) {
  EXPECT_THAT(error_of("a: [1"), StartsWith("f.yaml:"));
  EXPECT_THAT(error_of("a: b: c"), HasSubstr("not valid YAML"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), StartsWith("f.yaml:3:1: a second document"));
  EXPECT_EQ(error_of("a: 1\n---\n"), "");
  EXPECT_THAT(error_of("a: !!binary aGk=\n"), HasSubstr("a tag (!...) has no meaning here"));
  EXPECT_THAT(error_of("{a: b}: c\n"), HasSubstr("a key must be a plain text"));
  EXPECT_THAT(error_of("? [a]\n: c\n"), HasSubstr("a key must be a plain text"));
  EXPECT_THAT(error_of("a: {{ template }}\n"), HasSubstr("a key must be a plain text"));
  EXPECT_THAT(error_of("a: *nobody\n"), StartsWith("f.yaml:1:4: "));
}

TEST(YamlTree, ExplainsCommonSlips) {
  EXPECT_THAT(error_of("a: 1\nb: {c: d\ne: f\n"),
              StartsWith("f.yaml:3:2: not valid YAML: end of map flow not found"));
  EXPECT_THAT(error_of("[a: 1\n"), HasSubstr("f.yaml:1:1: "));
  EXPECT_EQ(error_of("a: 'x\nb: 1\n"), "f.yaml:1:4: the quote is never closed");
  EXPECT_EQ(error_of("\u20ac: 1\na: \"x\\\"\nb: 1\n"), "f.yaml:2:4: the quote is never closed");
  EXPECT_EQ(error_of("a: 'x''\nb: 1\n"), "f.yaml:1:4: the quote is never closed");
  EXPECT_EQ(error_of("a: 'it''s'\nb: \"\\\"\"\n"), "");
  EXPECT_THAT(error_of("a:\n\t- b\n"), HasSubstr("indent with blanks, not with tabs"));
  EXPECT_EQ(
      error_of(" a: 1\nb: 2\n"),
      "f.yaml:2:1: a second document starts here: wrong indentation, or a line with --- to remove");
  EXPECT_EQ(error_of("\xEF\xBB\xBF"
                     "a: 'b'\r\nc: \"d\"\r\n"),
            "");
}

TEST(YamlTree, RefusesBinaryText) {
  using namespace std::string_view_literals;
  EXPECT_EQ(error_of("a: 1\nb: x\0y"sv), "f.yaml:2:5: not a UTF-8 text file: byte 0x00");
  EXPECT_EQ(error_of("a: 1\x04\nb: 2"),
            "f.yaml:1:5: not a UTF-8 text file: byte 0x04");  // yaml-cpp would end the file here
  EXPECT_EQ(error_of("a: \xff"), "f.yaml:1:4: not a UTF-8 text file: byte 0xff");
  EXPECT_EQ(error_of("a: \xc0\x80"), "f.yaml:1:4: not a UTF-8 text file: byte 0xc0");
  EXPECT_EQ(error_of("a: \xed\xa0\x80"), "f.yaml:1:4: not a UTF-8 text file: byte 0xed");
  EXPECT_EQ(error_of("a: \xe2\x82"), "f.yaml:1:4: not a UTF-8 text file: byte 0xe2");
  EXPECT_EQ(error_of("a: \u20ac \U0001F600"), "");
}

TEST(YamlTree, BoundsSizeDepthAndNumber) {
  EXPECT_THAT(error_of("a: " + std::string(kMaxYamlBytes, 'x')), HasSubstr("at most 4 MiB"));
  EXPECT_THAT(error_of(repeat("[", 100'000)), StartsWith("f.yaml:1:1: "));
  EXPECT_THAT(error_of(repeat("{a: ", 100'000)), StartsWith("f.yaml:1:1: "));
  EXPECT_THAT(error_of(repeat("[", 1000) + repeat("]", 1000)), HasSubstr("levels deep"));
  EXPECT_THAT(error_of(repeat("{a: ", 1000) + repeat("}", 1000)), HasSubstr("levels deep"));
  EXPECT_THAT(error_of(repeat("- ", 100'000)), HasSubstr("levels deep"));
  EXPECT_THAT(error_of(repeat("? ", 10'000)), HasSubstr("f.yaml"));
  EXPECT_THAT(error_of("[" + repeat("a,", kMaxYamlNodes + 1) + "]"),
              HasSubstr("more than 500000 values"));
  EXPECT_EQ(error_of(repeat("[", 30) + repeat("]", 30)), "");
}

TEST(YamlTree, SurvivesAliasBombs) {
  std::string wide = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string name = "a" + std::to_string(i);
    const std::string before = "*a" + std::to_string(i - 1);
    wide += name + ": &" + name + " [" + before + repeat("," + before, 9) + "]\n";
    deep += name + ": &" + name + " [" + before + "]\n";
  }
  EXPECT_THAT(error_of(wide), HasSubstr("more than 500000 values"));
  EXPECT_THAT(error_of(deep), HasSubstr("levels deep"));
  EXPECT_THAT(error_of("a: &a [*a]\n"), HasSubstr("f.yaml:1:8"));
}

// Whatever is done to a good text, there is a tree or an error with the file's name, and no crash.
TEST(YamlTree, SurvivesDamagedTexts) {
  const std::string good =
      "site: &s \"a\\x41\"\nkafka:\n  - {b: [1, 'x'], ? c : *s}\n  - |\n    text\n  - >-\n    "
      "more\n%YAML 1.2\n";
  const std::string_view pieces = "{}[]:,-?&*!|>'\"%@`#\n\t \\x\x01\xc3~";
  std::mt19937 random(3);
  int parsed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (auto edits = 1 + random() % 6; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 5);
      } else {
        text.insert(at, 1, pieces[random() % pieces.size()]);
      }
      if (text.empty()) text = "a";
    }
    const auto document = parse_yaml(text, "f.yaml");
    if (!document) {
      ASSERT_THAT(document.error().message, StartsWith("f.yaml")) << text;
    } else {
      ++parsed;
    }
  }
  EXPECT_GT(parsed, 0);
}

}  // namespace
}  // namespace stuffwatch::config
