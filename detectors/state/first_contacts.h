// Evidence per source key over the distinct accounts that first met it (detection.md 4.1): the engine of source_fanout, one instance a key family.
//
// Every first contact of (key, account) enters the matured process 600 s later, in order of first contact, with the class it then has: only then is the
// sequence exchangeable under the null. A second process looks at once at contacts whose class is settled (ok, unknown). Half of the budget each.
// A key has lives of at most 24 h. Follows ../reference in what counts, what matures and what restarts.
//
// Time: event time. Threads: none. Memory: max_keys * 104 B + max_contacts * 32 B. Cost: O(1) amortised; an alarm walks the contact ring once.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "detectors/detector.h"
#include "detectors/state/contact_log.h"
#include "detectors/state/dirichlet_mixture.h"
#include "detectors/state/evidence_lives.h"
#include "detectors/state/keyed_slab.h"

namespace stuffwatch::detectors {

struct FirstContactsSettings {
  std::chrono::milliseconds maturity = std::chrono::seconds{600};
  std::chrono::milliseconds life = std::chrono::hours{24};
  double alarm_odds = 1e8;   // each of the two processes alarms at twice that
  double concentration = 8;  // of the benign null; 8 until fitted
  std::uint32_t max_keys = 1;
  std::uint32_t max_contacts = 1;
};

class FirstContacts {
 public:
  static constexpr std::uint32_t kMaxPendingOfKey =
      4096;  // beyond it accounts are thinned by their hash, which keeps exchangeability

  FirstContacts(const FirstContactsSettings& settings, Entity::Kind kind,
                const DetectorContext& context, double starts_per_10m);

  void prefetch(std::span<const LoginEvent* const> events, unsigned stage) const;
  void observe(std::span<const LoginEvent* const> events, FindingCollector& out);
  void advance(EventTime watermark, std::uint64_t seq, FindingCollector& out);
  void save(StateWriter& out) const;
  void load(StateReader& in);
  void add_usage(StateUsage& usage) const;

 private:
  struct Key {
    TenantId tenant = 0;
    std::uint64_t value = 0;
    bool v4 = false;
    bool operator==(const Key&) const = default;
  };
  struct Record {
    TenantId tenant = 0;
    std::uint64_t value = 0;
    std::int64_t life_start_ms = 0;
    DirichletMixture<3, 4> matured;
    DirichletMixture<2, 2> at_once;
    std::uint32_t alarmed_until_s = 0;  // events until then are activity; 0 = never alarmed
    std::int32_t evidence_start_ms =
        0;  // of the matured process, since life_start; kNoEvidence = none yet
    std::uint32_t attempts = 0, accounts = 0, pending = 0;
    std::uint16_t generation = 0;
    std::uint8_t thinning = 0;
    bool v4 = false;
    std::uint8_t matured_level = 0, at_once_level = 0;
    bool touched = false;

    [[nodiscard]] Key key() const { return {tenant, value, v4}; }
    void reset(const Key& key);
  };
  static_assert(sizeof(Record) <= 96);
  static constexpr std::int32_t kNoEvidence = INT32_MIN;

  static std::uint64_t hash_of(const Key& key, std::uint64_t seed) {
    return mix(key.tenant + key.v4, key.value, seed);
  }
  [[nodiscard]] Key key_of(const LoginEvent& event) const;
  [[nodiscard]] Entity entity_of(const Record& record) const {
    return {record.tenant, record.value, kind_, record.v4};
  }

  void observe_one(const LoginEvent& event, const Key& key, std::uint64_t hash,
                   FindingCollector& out);
  void begin_life(Record& record, EventTime time);
  [[nodiscard]] bool of_earlier_life(const Record& record, const Contact& contact) const;
  void first_contact(Record& record, std::uint64_t hash, const LoginEvent& event,
                     FindingCollector& out);
  void mature(const Contact& contact, EventTime watermark, std::uint64_t seq,
              FindingCollector& out);
  void restart_matured(Record& record);
  void restart_at_once(Record& record);
  void alarm(Record& record, const Finding& base, EventTime since, bool at_once,
             FindingCollector& out);
  [[nodiscard]] Evidence evidence_since(const Record& record, EventTime since, EventTime until,
                                        bool at_once) const;
  [[nodiscard]] bool may_matter(const Record& record, const Contact& contact) const;
  [[nodiscard]] bool owns(const Record& record, const Contact& contact) const {
    return contact.owner.record == slab_.number_of(record) &&
           contact.owner.generation == record.generation;
  }
  [[nodiscard]] ContactOwner owner_of(const Record& record, std::uint64_t hash) const {
    return ContactOwner::of(slab_.number_of(record), record.generation, hash);
  }

  FirstContactsSettings settings_;
  Entity::Kind kind_;
  DetectorId detector_;
  double starts_per_10m_;
  DirichletModel<3, 4> matured_model_;
  KeyedSlab<Record> slab_;
  ContactLog contacts_;
  EvidenceLives lives_;
  std::uint64_t forgotten_ = 0;  // contacts dropped within their life to make room
};

}  // namespace stuffwatch::detectors
