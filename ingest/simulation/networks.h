// The address plan of the simulated internet: who has which address, and which provider it belongs
// to.
//
// Only private, shared and documentation ranges: 10.0.0.0/8, 100.64.0.0/10 and 2001:db8::/32; AS
// numbers are private ones.
//   10.0 - 10.199    homes: 40 access providers of five /16s; IPv6 2001:db8::/32, a /64 a household
//   10.240           offices, one address each
//   10.249.0.0/24    the site's own monitoring
//   10.250 - 10.254  hosting
//   100.64.0.0/10    8 mobile carriers with CGNAT, eight /16s each
// Threads: free functions, any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/simulation/prng.h"

namespace stuffwatch::ingest::simulation {

struct Address {
  std::uint64_t high = 0, low = 0;  // IPv4: high is 0 and low the 32 bits
  friend bool operator==(const Address&, const Address&) = default;
};

struct Provider {
  std::uint32_t as_number;
  std::string_view country;
};

inline constexpr std::uint32_t kAccessSlash16s = 200, kCarriers = 8, kCarrierSlash16s = 8;
inline constexpr std::uint32_t kMostHomes =
    kAccessSlash16s * 256 * 254;  // .0 and .255 of a /24 stay free
inline constexpr std::string_view kMonitoringNetwork = "10.249.0.0/24";

// A home by its place in the plan, place < kMostHomes: consecutive places fill a /24, consecutive
// /24s lie in different /16s.
[[nodiscard]] Address home_v4(std::uint32_t place);
// The /64 of that home's household, household < 2^26; `device` are the lower 64 bits (privacy
// addresses change daily).
[[nodiscard]] Address home_v6(std::uint32_t place, std::uint32_t household, std::uint64_t device);
// An egress address of a mobile carrier; `pool` says which of its /24s, `index` which of that /24's
// addresses.
[[nodiscard]] Address carrier_address(std::uint32_t carrier, std::uint32_t pool,
                                      std::uint32_t index);
[[nodiscard]] Address office_address(std::uint32_t office);
[[nodiscard]] Address hosting_address(std::uint32_t prefix,
                                      std::uint32_t host);  // prefix < 1280: which /24
[[nodiscard]] Address monitoring_address();

[[nodiscard]] Provider provider_of(const Address& address);
void append_address(std::string& out, const Address& address);

}  // namespace stuffwatch::ingest::simulation
