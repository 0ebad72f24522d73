#include "corpus/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <string>
#include <string_view>

#include "tests/corpus/archives.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Manifest kSome{
    .key_check = 0xf1e2d3c4b5a697,
    .next_list = 4,
    .segments = {{"000002.bcs", 1'048'576, 0x8899aabbccddeeff}, {"000010.bcs", 704, 0xff}},
    .forgotten = {0x0123456789abcdef, 0xffffffffffffffff}};
constexpr std::string_view kText =
    "stuffwatch corpus 1\n"
    "key_check 00f1e2d3c4b5a697\n"
    "next_list 4\n"
    "segment 000002.bcs 1048576 8899aabbccddeeff\n"
    "segment 000010.bcs 704 00000000000000ff\n"
    "forgotten 0123456789abcdef\n"
    "forgotten ffffffffffffffff\n"
    "xxh3 03f0fed218fba5be\n";

std::string problem_of(std::string_view text) {
  const auto parsed = Manifest::parse(text, "folder/MANIFEST");
  if (parsed) return {};
  EXPECT_EQ(parsed.error().kind, config::Error::Kind::kFailed);
  return parsed.error().message;
}

std::string summed(const std::string& text) {
  return text + fmt::format("xxh3 {:016x}\n", ::XXH3_64bits(text.data(), text.size()));
}
std::string with(std::string_view line) {
  return summed("stuffwatch corpus 1\nkey_check 1\n" + std::string(line) + "\nnext_list 2\n");
}

TEST(Manifest, IsAText) {
  EXPECT_EQ(kSome.text(), kText);
  EXPECT_EQ(Manifest::parse(kText, "MANIFEST").value(), kSome);
  EXPECT_EQ(Manifest::parse(Manifest{}.text(), "MANIFEST").value(), Manifest{});
}

TEST(Manifest, HasItsForgottenAccountsInOrder) {
  const auto parsed = Manifest::parse(with("forgotten 2\nforgotten 1"), "MANIFEST");
  EXPECT_THAT(parsed.value().forgotten, ElementsAre(1, 2));
}

TEST(Manifest, NamesTheLineThatIsWrong) {
  EXPECT_EQ(problem_of(""), "folder/MANIFEST is empty");
  for (const char* const first : {"stuffwatch corpus 2\n", "stuffwatch corpus 1 \n", "\n", "x\n"})
    EXPECT_THAT(problem_of(first), HasSubstr("folder/MANIFEST:1:")) << first;
  for (const char* const line : {"",
                                 " ",
                                 "words 1",
                                 "key_check",
                                 "key_check x",
                                 "key_check 1 2",
                                 "key_check 1g",
                                 "key_check 11112222333344445",
                                 "next_list -1",
                                 "next_list 1x",
                                 "next_list 4294967296",
                                 "forgotten",
                                 "forgotten 1 1",
                                 "forgotten  1",
                                 "segment",
                                 "segment 1.bcs",
                                 "segment 1.bcs 5",
                                 "segment 1.bcs 5 ff 1",
                                 "segment 1.bcs x ff",
                                 "segment 1.bcs 5 xx",
                                 "segment 1.bcs 18446744073709551616 1",
                                 "Segment 1.bcs 5 ff",
                                 "segment 1.bcs 5 ff\r"})
    EXPECT_THAT(problem_of(with(line)), HasSubstr("folder/MANIFEST:3:")) << line;
}

TEST(Manifest, IsCutShortWithoutItsLastLineEnd) {
  EXPECT_EQ(problem_of(kText.substr(0, kText.size() - 1)),
            "folder/MANIFEST:8: the last line is cut short");
}

TEST(Manifest, IsFoundOutWhenAnyOfItsBytesIsAnother) {
  for (std::size_t at = 0; at < kText.size(); ++at) {
    for (const int flip : {1, 2, 32}) {
      std::string text(kText);
      text[at] = static_cast<char>(text[at] ^ flip);
      EXPECT_NE(problem_of(text), "") << at;
    }
    EXPECT_NE(problem_of(kText.substr(0, at)), "") << at;
  }
  EXPECT_NE(problem_of(std::string(kText) + "forgotten 1\n"), "");
}

TEST(Manifest, SaysEverythingThatItMustOnce) {
  EXPECT_THAT(problem_of(summed("stuffwatch corpus 1\nkey_check 1\n")), HasSubstr("damaged"));
  EXPECT_THAT(problem_of(summed("stuffwatch corpus 1\nnext_list 1\n")), HasSubstr("damaged"));
  EXPECT_THAT(problem_of(with("key_check 1")), HasSubstr(":3:"));
  EXPECT_THAT(problem_of(with("next_list 1")), HasSubstr(":4:"));
  EXPECT_THAT(problem_of("stuffwatch corpus 1\nkey_check 1\nnext_list 1\n"),
              HasSubstr("its end is missing"));
}

TEST(Manifest, DoesNotLeadOutOfItsFolder) {
  for (const char* const name : {"../1.bcs", "/tmp/1.bcs", "a/1.bcs", ".bcs", "..bcs", "1.bcs/..",
                                 "one.bcs", "key", "1.bcs.new", "-1.bcs"})
    EXPECT_THAT(problem_of(with(std::string("segment ") + name + " 5 ff")),
                HasSubstr("folder/MANIFEST:3:"))
        << name;
}

TEST(Manifest, IsReadFromItsFolder) {
  const test::TemporaryFolder folder;
  const auto absent = Manifest::read(folder.path());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, config::Error::Kind::kConfiguration);
  EXPECT_THAT(absent.error().message, HasSubstr("stuffwatch corpus init"));
  testing::write_file(folder.path() / "MANIFEST", kText);
  EXPECT_EQ(Manifest::read(folder.path()).value(), kSome);
}

}  // namespace
}  // namespace stuffwatch::corpus
