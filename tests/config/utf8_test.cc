#include "config/utf8.h"

#include <gtest/gtest.h>

namespace stuffwatch::config {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, OneLineIsWhatAReaderSees) {
  EXPECT_EQ(one_line("Grüße, 登录 😀"), "Grüße, 登录 😀");
  EXPECT_EQ(one_line("a\x1b]0;x\x07z\n\t\x7f"), "a?]0;x?z???");
  EXPECT_EQ(one_line("a\0b"sv), "a?b");
  EXPECT_EQ(one_line("\u0085a\u009b31m"), "?a?31m") << "C1 begins escape sequences too";
  EXPECT_EQ(one_line("\u202Eabc\u2066\u2069\u200F\u061C"), "?abc????") << "turns the direction";
  EXPECT_EQ(one_line("a\u2028\u2029b"), "a??b") << "ends of lines";
  EXPECT_EQ(one_line("ad\u00ADmin\u200B\u200D\u2060\uFEFF\U000E0041"), "ad?min?????");
}

TEST(Utf8, WhatIsNoUtf8IsReplacedByteByByte) {
  EXPECT_EQ(one_line("\xFFü\x80\xC3"), "?ü??");
  EXPECT_EQ(one_line("\xC0\xAE\xED\xA0\x80\xF4\x90\x80\x80"), "?????????")
      << "overlong, surrogate, too large";
}

TEST(Utf8, MessagesShowTheBytesOfWhatIsNotVisible) {
  EXPECT_EQ(printable("a\x1b\u202Eb\xFF"), "a\\x1b\\xe2\\x80\\xaeb\\xff");
  EXPECT_EQ(printable(std::string(70, 'x')), std::string(60, 'x') + "...");
}

}  // namespace
}  // namespace stuffwatch::config
