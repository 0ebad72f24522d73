// What a detector sees: one login attempt, normalised. OCSF Authentication (3002), activity Logon; field names follow ECS.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "corpus/account_key.h"
#include "corpus/list_hit.h"

namespace stuffwatch::detectors {

using EventTime =
    std::chrono::sys_time<std::chrono::milliseconds>;  // when it happened, never when we read it
using corpus::AccountKey;
using corpus::ListHit;

enum class Outcome : std::uint8_t { kUnknown, kSuccess, kFailure };

// Why it failed. A right password stopped by MFA is kFailure with kMfaFailed, never a success to learn from.
enum class FailureReason : std::uint8_t {
  kNone,
  kBadPassword,
  kUnknownAccount,
  kLocked,
  kDisabled,
  kMfaFailed,
  kBlocked,
  kRateLimited,
  kInternalError,
  kOther
};

enum class Mfa : std::uint8_t { kUnknown, kNone, kPassed, kFailed };
enum class NetworkClass : std::uint8_t {
  kUnknown,
  kResidential,
  kMobile,
  kHosting,
  kVpn,
  kTor,
  kPrivate
};

// 16 bytes, network order; IPv4 is stored v4-mapped (::ffff:a.b.c.d).
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
  [[nodiscard]] std::uint64_t high() const { return word(0); }
  [[nodiscard]] std::uint64_t low() const { return word(8); }
  [[nodiscard]] bool is_v4() const { return high() == 0 && low() >> 32 == 0xffff; }
  [[nodiscard]] std::uint32_t v4_bits() const { return static_cast<std::uint32_t>(low()); }
  auto operator<=>(const IpAddress&) const = default;

 private:
  [[nodiscard]] std::uint64_t word(std::size_t at) const {
    std::uint64_t big;
    std::memcpy(&big, bytes.data() + at, sizeof big);
    return __builtin_bswap64(big);
  }
};

// Accepts dotted IPv4, IPv6 (RFC 4291), v4-mapped; no ports, no zones. False = not an address. Cost: 20 ns (v4).
[[nodiscard]] bool parse_ip(std::string_view text, IpAddress& out);
[[nodiscard]] std::string to_string(const IpAddress& ip);

// A source network: an address widened to `bits` (IPv4 counted 0..32, IPv6 0..128).
struct Network {
  IpAddress address;  // host bits are zero
  std::uint8_t bits = 0;
  bool v4 = false;

  [[nodiscard]] static Network of(const IpAddress& ip, unsigned v4_bits, unsigned v6_bits);
  [[nodiscard]] bool contains(const IpAddress& ip) const;
  [[nodiscard]] bool contains(const Network& other) const {
    return other.bits >= bits && contains(other.address);
  }
  auto operator<=>(const Network&) const = default;
};
[[nodiscard]] bool parse_network(
    std::string_view cidr, Network& out);  // "192.0.2.0/24", "2001:db8::/32", or a single address
[[nodiscard]] std::string to_string(const Network& network);  // "192.0.2.0/24"

// What only people read. Views into the batch that carries the event; empty = absent. `user_name` is the clear name: it never leaves the
// batch unless privacy.account_names says so.
struct EventText {
  std::string_view user_name, account_id, session_id, event_id, user_agent, ja4, app, tenant;
};

using TenantId = std::
    uint64_t;  // hash of the tenant's name, 0 = none: the same on every machine, in any order of arrival
using AppId = std::uint64_t;

// One login attempt. Views point into the EventBatch that carries it: a detector that remembers keeps a hash or a copy.
// No password ever gets here.
struct LoginEvent {
  std::uint64_t seq = 0;  // position in the merged order; ties are broken by it, so replays agree
  EventTime time{};
  std::chrono::milliseconds
      lag{};  // of its place in the merged order behind `time`: what ticks go by is time + lag
  AccountKey account{};
  IpAddress source_ip;
  std::uint64_t client =
      0;  // keyed hash of (TLS fingerprint, user agent): who is asking, whatever the address; 0 = unknown
  std::uint64_t ja4 = 0, password_token = 0;  // keyed hashes, 0 = absent
  TenantId tenant = 0;
  AppId app = 0;
  std::span<const ListHit>
      lists;  // the breach lists that hold the account, with its position in each; often empty
  const EventText* text = nullptr;
  std::uint32_t as_number = 0;    // 0 = unknown
  std::array<char, 2> country{};  // ISO 3166-1 alpha-2, zero = unknown
  Outcome outcome = Outcome::kUnknown;
  FailureReason reason = FailureReason::kNone;
  Mfa mfa = Mfa::kUnknown;
  NetworkClass network = NetworkClass::kUnknown;
  bool stranger =
      true;  // no success of this account from this network, nor with this client, in the last 30 days
};

// detection.md 3.0: what counts as a failed attempt. Never internal_error, rate_limited, or mfa_failed (a right password).
[[nodiscard]] constexpr bool is_credential_failure(const LoginEvent& e) {
  return e.outcome == Outcome::kFailure && e.reason != FailureReason::kInternalError &&
         e.reason != FailureReason::kRateLimited && e.reason != FailureReason::kMfaFailed;
}

[[nodiscard]] std::string_view name_of(Outcome outcome);
[[nodiscard]] std::string_view name_of(FailureReason reason);
[[nodiscard]] std::string_view name_of(NetworkClass network);

}  // namespace stuffwatch::detectors
