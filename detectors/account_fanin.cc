// account_fanin: one account guessed at from many networks that it never got in from (detection.md 4.2).
#include <algorithm>
#include <array>
#include <chrono>

#include "detectors/detector.h"
#include "detectors/state/evidence_lives.h"
#include "detectors/state/keyed_slab.h"
#include "detectors/state/mix.h"

namespace stuffwatch::detectors {
namespace {

using namespace std::chrono_literals;

struct AccountFaninConfig {
  std::chrono::milliseconds life = 24h;
  double alarm_odds = 1e8;
  double another_network = .2;
  std::uint32_t max_keys = 1u << 21;

  void visit(config::FieldVisitor& v) {
    v.field("life", life, {1h, 7 * 24h}, "Networks are counted for this long after the first one.");
    v.field("alarm_odds", alarm_odds, {10.0, 1e15},
            "Odds against chance at which an account is reported.");
    v.field("another_network", another_network, {.01, .9},
            "Chance that an account without history fails from yet another network within a life.");
    v.field("max_keys", max_keys, {64u, kMaxKeys},
            "Accounts remembered; one that was not seen for long goes first.");
  }
};

struct AccountId {
  TenantId tenant = 0;
  AccountKey account{};
  bool operator==(const AccountId&) const = default;
};
std::uint64_t hash_of(const AccountId& id, std::uint64_t seed) {
  return mix(id.tenant, value_of(id.account), seed);
}

// The networks met in this life: exact while few, then a 192-bit filter in the same bytes (it may miss a new network, never invent one).
class NetworkSet {
 public:
  bool add(std::uint32_t network) {  // true when it was not in the set
    if (exact_) {
      const auto listed = std::span(words_).first(count_);
      if (std::ranges::find(listed, network) != listed.end()) return false;
      if (count_ < kExact) return words_[count_++] = network, true;
      const auto exact = words_;
      words_.fill(0), exact_ = false;
      for (const std::uint32_t old : exact) set_bits(old);
    }
    if (!set_bits(network)) return false;
    if (count_ != UINT16_MAX) ++count_;
    return true;
  }
  [[nodiscard]] std::uint16_t count() const { return count_; }
  void clear() { *this = NetworkSet{}; }

 private:
  static constexpr std::size_t kExact = 6;
  bool set_bits(std::uint32_t network) {
    const std::uint64_t h = mix(network, 0x5bd1e995);
    bool fresh = false;
    for (const std::uint64_t bit : {h % 192, (h >> 32) % 192}) {
      std::uint32_t& word = words_[bit / 32];
      const std::uint32_t mask = 1u << bit % 32;
      fresh = fresh || (word & mask) == 0;
      word |= mask;
    }
    return fresh;
  }
  std::array<std::uint32_t, kExact> words_{};
  std::uint16_t count_ = 0;
  bool exact_ = true;
};

// 80 bytes. Counts of earlier lives and steps are halved every 30 days: an account that travels carries its own chance.
struct AccountRecord {
  AccountId id;
  std::int64_t life_start_ms = 0, last_ms = 0;
  std::uint32_t alarmed_until_s = 0;
  float evidence = 1, lives = 0, steps = 0;
  std::uint32_t attempts = 0;
  NetworkSet networks;
  std::uint16_t history_month = 0;
  std::uint8_t level = 0;
  bool touched = false;

  [[nodiscard]] AccountId key() const { return id; }
  void reset(const AccountId& key) { *this = AccountRecord{}, id = key; }
};

class AccountFanin final : public Detector {
 public:
  AccountFanin(const AccountFaninConfig& config, const DetectorContext& context, double starts)
      : config_(config),
        detector_(context.id),
        starts_per_10m_(starts),
        slab_(share_of(config.max_keys, context), context.table_seed, hash_of) {}

  void prefetch(std::span<const LoginEvent* const> events, unsigned stage) const override {
    for (const LoginEvent* e : events) {
      if (!e->stranger) continue;
      const std::uint64_t hash = slab_.hash({e->tenant, e->account});
      if (stage == 0) slab_.prefetch_index(hash);
      if (stage == 1) slab_.prefetch_record(hash);
    }
  }
  void observe(std::span<const LoginEvent* const> events, FindingCollector& out) override {
    for (const LoginEvent* e : events)
      if (e->stranger) observe_one(*e, out);
  }

  void advance(EventTime, std::uint64_t, FindingCollector&) override {
  }  // lives end when their account is next seen

  void save(StateWriter& out) const override {
    out.expect(state_bytes());
    out.put(slab_.size());
    slab_.for_each([&](const AccountRecord& record) { out.put(record); });
    out.put(lives_);
  }
  config::Result<void> load(StateReader& in) override {
    const auto keys = in.get<std::uint32_t>();
    if (keys > slab_.max_size()) in.fail();
    for (std::uint32_t i = 0; i < keys && !in.failed(); ++i) {
      const auto saved = in.get<AccountRecord>();
      bool inserted = false;
      AccountRecord& record = slab_.touch(saved.id, slab_.hash(saved.id), inserted);
      if (!inserted) in.fail();
      record = saved;
    }
    lives_ = in.get<EvidenceLives>();
    return in.finish("account_fanin");
  }
  StateUsage usage() const override {
    return {.keys = slab_.size(),
            .max_keys = slab_.max_size(),
            .evictions = slab_.evictions(),
            .bytes = slab_.bytes(),
            .saved = state_bytes(),
            .lives = lives_.begun,
            .reached = {lives_.reached[0], lives_.reached[1], lives_.reached[2]}};
  }

 private:
  [[nodiscard]] std::uint64_t state_bytes() const {
    return slab_.size() * sizeof(AccountRecord) + 128;
  }
  static std::int64_t ms(EventTime time) { return time.time_since_epoch().count(); }

  // IPv4 /16, IPv6 /48: a phone changes its /24, hardly ever its operator.
  static std::uint32_t network_of(const IpAddress& ip) {
    const std::uint64_t value = ip.is_v4() ? ip.v4_bits() >> 16 : ip.high() >> 16 | 1ull << 63;
    return static_cast<std::uint32_t>(mix(value, 0x27d4eb2f));
  }

  void observe_one(const LoginEvent& event, FindingCollector& out) {
    const AccountId id{event.tenant, event.account};
    const std::uint64_t hash = slab_.hash(id);
    if (!is_credential_failure(event)) {
      const AccountRecord* record = slab_.find(id, hash);
      if (record != nullptr && alarmed(*record, event.time))
        out.activity(event, Entity::account(event.tenant, event.account));
      return;
    }
    bool inserted = false;
    AccountRecord& record = slab_.touch(id, hash, inserted);
    if (inserted ||
        event.time - EventTime{std::chrono::milliseconds{record.life_start_ms}} > config_.life)
      begin_life(record, event.time, !inserted);
    ++record.attempts, record.last_ms = ms(event.time);
    if (record.networks.add(network_of(event.source_ip)) && record.networks.count() > 1)
      another_network(record, event, out);
    if (alarmed(record, event.time)) {
      record.alarmed_until_s = seconds_of(event.time + config_.life);
      out.activity(event, Entity::account(event.tenant, event.account));
    }
  }

  void begin_life(AccountRecord& record, EventTime time, bool had_one) {
    if (had_one && record.networks.count() != 0)
      record.lives += 1, record.steps += static_cast<float>(record.networks.count() - 1);
    const auto month = static_cast<std::uint16_t>(ms(time) / (30ll * 86'400'000));
    for (; record.history_month < month && record.lives != 0; ++record.history_month) {
      record.lives /= 2, record.steps /= 2;
      if (record.lives < 1e-3F) record.lives = record.steps = 0;
    }
    record.history_month = month;
    restart(record, time);
  }
  void restart(AccountRecord& record, EventTime time) {
    record.life_start_ms = ms(time), record.evidence = 1, record.level = 0, record.attempts = 0;
    record.networks.clear();
    ++lives_.begun;
  }

  // P(another network in this life) <= q, so each further one multiplies the evidence by .95 / q.
  void another_network(AccountRecord& record, const LoginEvent& event, FindingCollector& out) {
    const double q0 = config_.another_network, steps = static_cast<double>(record.steps),
                 lives = static_cast<double>(record.lives);
    const double q = std::max(q0, (steps + 4 * q0) / (steps + lives + 4));
    record.evidence = static_cast<float>(
        std::clamp(static_cast<double>(record.evidence) * (.95 / q), 1e-30, 1e30));
    const auto evidence = static_cast<double>(record.evidence);
    lives_.see(evidence, record.level);
    if (evidence < config_.alarm_odds) return;
    Finding finding{
        .seq = event.seq,
        .time = event.time,
        .detector = detector_,
        .key = Entity::account(event.tenant, event.account),
        .attack = AttackKind::kPasswordGuessing,
        .factor = {.statistic = "networks failing on one account",
                   .null_model = "another network within a day: chance q of this account",
                   .window = "24h",
                   .value = evidence,
                   .threshold = config_.alarm_odds},
        .starts_per_10m = starts_per_10m_,
        .evidence = {.start = EventTime{std::chrono::milliseconds{record.life_start_ms}},
                     .end = event.time,
                     .attempts = record.attempts,
                     .failures = record.attempts,
                     .accounts = 1,
                     .networks = record.networks.count(),
                     .list = {{event.account, event.time, record.attempts, false}}}};
    record.alarmed_until_s = seconds_of(event.time + config_.life);
    restart(record, event.time);
    out.finding(std::move(finding));
  }

  static std::uint32_t seconds_of(EventTime time) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms(time) / 1000, 0, UINT32_MAX));
  }
  static bool alarmed(const AccountRecord& record, EventTime time) {
    return seconds_of(time) <= record.alarmed_until_s;
  }

  AccountFaninConfig config_;
  DetectorId detector_;
  double starts_per_10m_;
  KeyedSlab<AccountRecord> slab_;
  EvidenceLives lives_;
};

class Kind final : public DetectorKind {
 public:
  const Info& info() const override {
    static constexpr Info kInfo{
        .name = "account_fanin",
        .summary = "One account fails from many networks that it never got in from.",
        .partition_by = PartitionBy::kAccount,
        .technique = "T1110.001",
        .warm_up = 24h,
        .starts_per_10m = 1e6};
    return kInfo;
  }
  void visit(config::FieldVisitor& v) override { config_.visit(v); }
  std::unique_ptr<Detector> make(const DetectorContext& context) const override {
    return std::make_unique<AccountFanin>(config_, context, info().starts_per_10m);
  }

 private:
  AccountFaninConfig config_;
};

}  // namespace

std::unique_ptr<DetectorKind> make_account_fanin() { return std::make_unique<Kind>(); }

}  // namespace stuffwatch::detectors
