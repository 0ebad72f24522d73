#include "config/bytes.h"

#include <gtest/gtest.h>

#include <random>

namespace stuffwatch::config {
namespace {

TEST(Bytes, ReadsEveryUnit) {
  EXPECT_EQ(parse_bytes("512B"), Bytes{512});
  EXPECT_EQ(parse_bytes("256KiB"), kibibytes(256));
  EXPECT_EQ(parse_bytes("3MiB"), mebibytes(3));
  EXPECT_EQ(parse_bytes("12GiB"), gibibytes(12));
  EXPECT_EQ(parse_bytes("1TiB"), gibibytes(1024));
  EXPECT_EQ(parse_bytes("0"), Bytes{0});
}

TEST(Bytes, RefusesOtherUnitsAndForms) {
  for (const char* text :
       {"", "256", "256KB", "256kib", "1.5GiB", "12 GiB", "-1B", "GiB", "1GiB ", "1GiB1B"}) {
    const auto size = parse_bytes(text);
    ASSERT_FALSE(size) << text;
    EXPECT_NE(size.error().message.find("KiB, MiB, GiB"), std::string::npos)
        << size.error().message;
  }
}

TEST(Bytes, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_bytes("18446744073709551615B"), Bytes{UINT64_MAX});
  for (const char* text : {"18446744073709551616B", "16777216TiB", "18446744073709551615KiB"}) {
    const auto size = parse_bytes(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().message, "the size is too large");
  }
}

TEST(Bytes, ReadsWhatItWrites) {
  EXPECT_EQ(format_bytes(Bytes{0}), "0B");
  EXPECT_EQ(format_bytes(kibibytes(1536)), "1536KiB");
  EXPECT_EQ(format_bytes(gibibytes(2048)), "2TiB");
  std::mt19937_64 random(5);
  for (int i = 0; i < 100'000; ++i) {
    const Bytes size{random() >> (random() % 64) << (random() % 40)};
    ASSERT_EQ(parse_bytes(format_bytes(size)), size);
  }
}

}  // namespace
}  // namespace stuffwatch::config
