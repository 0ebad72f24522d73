// What a detector says: this key's evidence has crossed its threshold, and here is the evidence. OCSF Detection Finding (2004), before correlation.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "detectors/campaigns/revision.h"
#include "detectors/event.h"

namespace stuffwatch::detectors {

// What evidence is about. Ordered, hashable, printable; the same on every machine.
struct Entity {
  enum class Kind : std::uint8_t { kAddress, kPrefix, kAccount };
  TenantId tenant = 0;
  std::uint64_t value = 0;  // v4 bits, high half of a v6 address, or the account's key
  Kind kind = Kind::kAddress;
  bool v4 = false;

  [[nodiscard]] static Entity address(TenantId tenant, const IpAddress& ip);  // IPv4 /32, IPv6 /64
  [[nodiscard]] static Entity prefix(TenantId tenant, const IpAddress& ip);   // IPv4 /24, IPv6 /48
  [[nodiscard]] static Entity account(TenantId tenant, AccountKey key);
  [[nodiscard]] bool is_network() const { return kind != Kind::kAccount; }
  [[nodiscard]] Network network() const;  // of an address or a prefix
  [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const;
  // An address before the prefix that holds it: the narrower finding names the campaign.
  auto operator<=>(const Entity& other) const {
    return std::tie(tenant, kind, value, v4) <=>
           std::tie(other.tenant, other.kind, other.value, other.v4);
  }
  bool operator==(const Entity&) const = default;
};
[[nodiscard]] std::string to_string(
    const Entity& entity);  // "net:192.0.2.7/32", "acct:0123456789abcdef"

// One number that crossed one threshold, with what it means if nothing is going on. Texts are literals, or interned().
struct Factor {
  std::string_view detector{}, statistic{}, null_model{}, window{};
  double value = 0, threshold = 0;
};

// A copy of `text` that lives as long as the process does: for factors that are read back. There are few different ones. Any thread.
[[nodiscard]] std::string_view interned(std::string_view text);

// One account in a finding's evidence.
struct EvidenceAccount {
  AccountKey account{};
  EventTime time{};
  std::uint32_t attempts = 1;  // retries included
  bool success = false;        // a stranger's success
  std::span<const ListHit>
      lists{};  // set on the way to the campaign, from what the corpus says then
};

struct Evidence {
  EventTime start{}, end{};    // first and last attempt that count
  std::uint64_t attempts = 0;  // on the key since `start` (retries included)
  std::uint64_t failures = 0, successes = 0;
  std::uint64_t accounts = 0;           // distinct
  std::uint64_t networks = 0;           // distinct, when the key is no network itself
  std::vector<EvidenceAccount> list{};  // the newest, at most kMaxEvidenceAccounts, oldest first
};
inline constexpr std::size_t kMaxEvidenceAccounts = 512;

using DetectorId = std::uint8_t;  // index in the registry

struct Finding {
  std::uint64_t seq =
      0;  // the event that caused it; for a tick: the first event at or past the tick
  bool at_tick = false;  // ticks stand before the event of the same seq
  EventTime time{};
  DetectorId detector = 0;
  Entity key{};
  AttackKind attack = AttackKind::kCredentialStuffing;
  Factor factor{};
  double starts_per_10m =
      0;  // lives of this family in 10M benign events: turns evidence into odds (detection.md 4.7)
  Evidence evidence{};
};

// Receives what a detector says while it observes.
class FindingCollector {
 public:
  virtual ~FindingCollector() = default;
  virtual void finding(Finding&& finding) = 0;
  // An event on a key that has alarmed before: campaigns count it.
  virtual void activity(const LoginEvent& event, const Entity& key) = 0;
};

}  // namespace stuffwatch::detectors
