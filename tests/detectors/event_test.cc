#include "detectors/event.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace stuffwatch::detectors {
namespace {

IpAddress ip(std::string_view text) {
  IpAddress out;
  EXPECT_TRUE(parse_ip(text, out)) << text;
  return out;
}

Network network(std::string_view text) {
  Network out;
  EXPECT_TRUE(parse_network(text, out)) << text;
  return out;
}

TEST(IpAddress, ReadsAndPrintsBothFamilies) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::ffff:192.0.2.7", "192.0.2.7"},  // v4-mapped is IPv4
      {"::FFFF:C000:0207", "192.0.2.7"},
      {"2001:db8::1", "2001:db8::1"},
      {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"},
  };
  for (const auto& [text, printed] : table) EXPECT_EQ(to_string(ip(text)), printed) << text;
}

TEST(IpAddress, RefusesWhatIsNone) {
  const std::string_view bad[] = {"",
                                  "192.0.2",
                                  "192.0.2.7.1",
                                  "192.0.2.256",
                                  "192.0.2.07",
                                  "192.0.2.",
                                  ".192.0.2",
                                  "192.0.2.7 ",
                                  " 192.0.2.7",
                                  "192.0.2.7:443",
                                  "1e3.0.2.1",
                                  "192.0.2.-7",
                                  "::1%eth0",
                                  "[::1]",
                                  "2001:db8::1::2",
                                  "2001:db8:",
                                  "12345::",
                                  "localhost",
                                  "0x7f.0.0.1",
                                  "3232235521",
                                  "<null>",
                                  "192.0..7",
                                  "9999.0.2.1",
                                  "2001:db8:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2:3:4:5"};
  for (const std::string_view text : bad) {
    IpAddress out;
    EXPECT_FALSE(parse_ip(text, out)) << text;
  }
  IpAddress out;
  EXPECT_FALSE(parse_ip(std::string_view("::1\0", 4), out));
  EXPECT_FALSE(parse_ip(std::string_view("192.0.2.7\0", 10), out));
}

TEST(IpAddress, V4IsStoredMapped) {
  const IpAddress v4 = ip("192.0.2.7");
  EXPECT_TRUE(v4.is_v4());
  EXPECT_EQ(v4.v4_bits(), 0xc0000207U);
  EXPECT_EQ(v4, IpAddress::v4(0xc0000207));
  EXPECT_EQ(v4.bytes[10], 0xff);
  EXPECT_EQ(v4.bytes[12], 192);
  EXPECT_FALSE(ip("2001:db8::1").is_v4());
  EXPECT_FALSE(ip("::").is_v4());
}

TEST(IpAddress, PrintedFormReadsBackAsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(random()));
    if (i % 2 != 0) {
      for (auto& byte : address.bytes)
        byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
    }
    EXPECT_EQ(ip(to_string(address)), address) << to_string(address);
  }
}

TEST(Network, ReadsAndPrints) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"192.0.2.0/24", "192.0.2.0/24"},
      {"192.0.2.77/24", "192.0.2.0/24"},
      {"192.0.2.7", "192.0.2.7/32"},
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"2001:db8::/32", "2001:db8::/32"},
      {"2001:db8::5", "2001:db8::5/128"},
      {"::/0", "::/0"},
      {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
      {"2001:db8:ff80::/41", "2001:db8:ff80::/41"},
      {"192.0.2.129/25", "192.0.2.128/25"}};
  for (const auto& [text, printed] : table) EXPECT_EQ(to_string(network(text)), printed) << text;
}

TEST(Network, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8 ", "10/8",
        "2001:db8::/129", "::ffff:192.0.2.0/24", "10.0.0.0/0008", "office"}) {
    Network out;
    EXPECT_FALSE(parse_network(text, out)) << text;
  }
}

TEST(Network, ContainsItsOwnFamilyOnly) {
  EXPECT_TRUE(network("192.0.2.0/24").contains(ip("192.0.2.255")));
  EXPECT_FALSE(network("192.0.2.0/24").contains(ip("192.0.3.0")));
  EXPECT_TRUE(network("0.0.0.0/0").contains(ip("203.0.113.9")));
  EXPECT_FALSE(network("0.0.0.0/0").contains(ip("2001:db8::1")));
  EXPECT_FALSE(network("::/0").contains(ip("203.0.113.9")));
  EXPECT_TRUE(network("2001:db8::/64").contains(ip("2001:db8::ffff:1")));
  EXPECT_FALSE(network("2001:db8::/64").contains(ip("2001:db8:0:1::1")));
  EXPECT_TRUE(network("192.0.2.7").contains(ip("192.0.2.7")));
  EXPECT_FALSE(network("192.0.2.7").contains(ip("192.0.2.6")));
  EXPECT_TRUE(network("10.0.0.0/8").contains(network("10.1.0.0/16")));
  EXPECT_FALSE(network("10.1.0.0/16").contains(network("10.0.0.0/8")));
}

// contains() works on words, of() on bytes: two ways to say the same.
TEST(Network, ContainsExactlyTheAddressesThatWidenToIt) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 5000; ++i) {
    IpAddress a = IpAddress::v4(static_cast<std::uint32_t>(random()));
    if (i % 2 != 0) {
      for (auto& byte : a.bytes) byte = static_cast<std::uint8_t>(random());
    }
    IpAddress b = a;
    const std::size_t lowest = a.is_v4() ? 12 : 0;
    const std::size_t at = lowest + random() % (16 - lowest);
    b.bytes[at] = static_cast<std::uint8_t>(b.bytes[at] ^ (1U << (random() % 8)));
    const unsigned bits = static_cast<unsigned>(random() % (a.is_v4() ? 33 : 129));
    const Network of_a = Network::of(a, bits, bits);
    EXPECT_TRUE(of_a.contains(a));
    EXPECT_EQ(of_a.contains(b), Network::of(b, bits, bits) == of_a)
        << to_string(of_a) << ' ' << to_string(b);
  }
}

TEST(Names, AreThoseOfTheContractAndDistinct) {
  EXPECT_EQ(name_of(Outcome::kSuccess), "success");
  EXPECT_EQ(name_of(FailureReason::kUnknownAccount), "unknown_account");
  EXPECT_EQ(name_of(NetworkClass::kHosting), "hosting");
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(FailureReason::kOther); ++i)
    names.insert(name_of(static_cast<FailureReason>(i)));
  EXPECT_EQ(names.size(), 10U);
}

TEST(CredentialFailure, IsARefusedPassword) {
  LoginEvent event;
  event.outcome = Outcome::kFailure;
  for (const auto& [reason, counts] : {std::pair{FailureReason::kBadPassword, true},
                                       {FailureReason::kOther, true},
                                       {FailureReason::kNone, true},
                                       {FailureReason::kMfaFailed, false},
                                       {FailureReason::kRateLimited, false},
                                       {FailureReason::kInternalError, false}}) {
    event.reason = reason;
    EXPECT_EQ(is_credential_failure(event), counts) << name_of(reason);
  }
  event.outcome = Outcome::kSuccess;
  event.reason = FailureReason::kNone;
  EXPECT_FALSE(is_credential_failure(event));
}

}  // namespace
}  // namespace stuffwatch::detectors
