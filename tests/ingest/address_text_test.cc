#include "ingest/address_text.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace stuffwatch::ingest {
namespace {

using detectors::IpAddress;
using detectors::Network;

IpAddress ip(std::string_view text) {
  IpAddress out;
  EXPECT_TRUE(detectors::parse_ip(text, out)) << text;
  return out;
}

NetworkSet set_of(std::initializer_list<std::string_view> cidrs) {
  std::vector<Network> networks(cidrs.size());
  std::size_t i = 0;
  for (const std::string_view cidr : cidrs)
    EXPECT_TRUE(detectors::parse_network(cidr, networks[i++])) << cidr;
  return NetworkSet(networks);
}

TEST(ParseSource, TakesPortsBracketsAndZonesOff) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"192.0.2.7:443", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"[::ffff:192.0.2.7]:80", "192.0.2.7"},
      {"2001:db8::1", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:443", "2001:db8::1"},
      {"fe80::1%eth0", "fe80::1"},
      {"[fe80::1%25eth0]:22", "fe80::1"},
      {" 192.0.2.7 ", "192.0.2.7"},
      {"\"[2001:db8::1]:4711\"", "2001:db8::1"}};
  for (const auto& [text, expected] : table) {
    IpAddress out;
    ASSERT_TRUE(parse_source(text, out)) << text;
    EXPECT_EQ(to_string(out), expected) << text;
  }
  for (const std::string_view bad :
       {"", "unknown", "_hidden", "192.0.2.7:", "192.0.2.7:http", "192.0.2.7:443210",
        "[192.0.2.7]:443", "[2001:db8::1", "[2001:db8::1]x", "[2001:db8::1]:", "192.0.2.7%eth0",
        "fe80::1%", "host.example:443", "<null>", "192.0.2.7, 10.0.0.1"}) {
    IpAddress out;
    EXPECT_FALSE(parse_source(bad, out)) << bad;
  }
}

TEST(NetworkSet, HoldsExactlyItsNetworks) {
  const NetworkSet set =
      set_of({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "2001:db8::/32", "198.51.100.0/25"});
  for (const std::string_view in : {"10.0.0.0", "10.255.255.255", "10.1.2.3", "192.0.2.7",
                                    "2001:db8:ffff::1", "198.51.100.127"})
    EXPECT_TRUE(set.contains(ip(in))) << in;
  for (const std::string_view out : {"9.255.255.255", "11.0.0.0", "192.0.2.6", "192.0.2.8",
                                     "2001:db9::", "198.51.100.128", "::a00:1"})
    EXPECT_FALSE(set.contains(ip(out))) << out;
  EXPECT_TRUE(NetworkSet().empty());
  EXPECT_FALSE(NetworkSet().contains(ip("10.0.0.1")));
  EXPECT_FALSE(set_of({"::/0"}).contains(ip("10.0.0.1")));
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(ip("2001:db8::1")));
  EXPECT_TRUE(set_of({"0.0.0.0/0"}).contains(ip("255.255.255.255")));
}

TEST(NetworkSet, AgreesWithAskingEveryNetwork) {
  std::mt19937_64 random(6);
  const auto address = [&](bool v4) {
    IpAddress a = IpAddress::v4(static_cast<std::uint32_t>(random() & 0x0f0f'0f0f));
    if (!v4)
      a.bytes = {0x20, 1, static_cast<std::uint8_t>(random() % 4),
                 static_cast<std::uint8_t>(random() % 4), static_cast<std::uint8_t>(random())};
    return a;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Network> networks;
    for (auto n = random() % 12; n > 0; --n)
      networks.push_back(Network::of(address(random() % 2 == 0),
                                     static_cast<unsigned>(random() % 33),
                                     static_cast<unsigned>(random() % 129)));
    const NetworkSet set(networks);
    for (int i = 0; i < 100; ++i) {
      const IpAddress a = address(random() % 2 == 0);
      bool expected = false;
      for (const Network& network : networks) expected = expected || network.contains(a);
      ASSERT_EQ(set.contains(a), expected) << to_string(a);
    }
  }
}

TEST(SourceBehind, IsTheRightmostHopThatIsNotOurs) {
  const NetworkSet ours = set_of({"10.0.0.0/8", "2001:db8:1::/48"});
  struct Case {
    std::string_view peer, chain, source;
  };
  constexpr Case kCases[] = {
      {"203.0.113.5", "192.0.2.1", "203.0.113.5"},  // a stranger's header is not believed
      {"10.0.0.1", "192.0.2.1", "192.0.2.1"},
      {"10.0.0.1", "198.51.100.66, 192.0.2.1",
       "192.0.2.1"},  // what the client wrote to the left of it is not believed
      {"10.0.0.1", "198.51.100.66, 192.0.2.1, 10.0.0.2,10.0.0.3", "192.0.2.1"},
      {"10.0.0.1", "192.0.2.1:5555, [2001:db8:1::9]:80", "192.0.2.1"},
      {"10.0.0.1", "", "10.0.0.1"},
      {"10.0.0.1", "unknown", "10.0.0.1"},
      {"10.0.0.1", "192.0.2.1, unknown", "10.0.0.1"},
      {"10.0.0.1", "192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"},
      {"10.0.0.1", "10.9.9.9, 10.0.0.2", "10.9.9.9"},  // all ours: the first of them asked
      {"10.0.0.1", " ,192.0.2.1,, ", "192.0.2.1"},
      {"2001:db8:1::1", "2001:db8:2::7", "2001:db8:2::7"},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(to_string(source_behind(ours, ip(c.peer), c.chain)), c.source) << c.chain;
  EXPECT_EQ(to_string(source_behind(NetworkSet(), ip("10.0.0.1"), "192.0.2.1")), "10.0.0.1");
}

}  // namespace
}  // namespace stuffwatch::ingest
