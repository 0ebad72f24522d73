// Evidence per network over the distinct accounts that first met it (detection.md 4.1): the engine of source_fanout, for addresses and the prefixes that
// hold them.
//
// Every first contact of (network, account) enters the matured process 600 s later, in order of first contact, with the class it then has: only then is the
// sequence exchangeable under the null. A second process looks at once at contacts whose class is settled (ok, unknown). Half of the budget each.
// A network has lives of at most 24 h. Follows ../reference in what counts, what matures and what restarts.
//
// A prefix that was met from one address only has one record, which stands for both; what is known of it is the same. A second address parts them.
//
// Time: lives and maturing go by order time, as ticks do; what is told is event time. Threads: none. Memory: max_keys * 104 B + max_contacts * 40 B.
// Cost: O(1) amortised; an alarm walks the ring of contacts back as far as its evidence goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

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
  std::uint32_t max_keys = 2;
  std::uint32_t max_contacts = 1;
};

class FirstContacts {
 public:
  static constexpr std::uint32_t kMaxPendingOfKey =
      4096;  // beyond it accounts are thinned by their hash, which keeps exchangeability

  FirstContacts(const FirstContactsSettings& settings, const DetectorContext& context,
                double starts_per_10m);

  void prefetch(std::span<const LoginEvent* const> events, unsigned stage) const;
  void observe(std::span<const LoginEvent* const> events, FindingCollector& out);
  void advance(EventTime watermark, std::uint64_t seq, FindingCollector& out);
  void save(StateWriter& out) const;
  void load(StateReader& in);
  [[nodiscard]] std::uint64_t state_bytes() const;  // of save(), at most about
  [[nodiscard]] StateUsage usage() const;

 private:
  struct Key {
    TenantId tenant = 0;
    std::uint64_t value = 0;
    bool v4 = false, address = false;
    bool operator==(const Key&) const = default;
  };
  // Of a prefix, of one of its addresses, or of both while the prefix has no other.
  struct Record {
    TenantId tenant = 0;
    std::uint64_t value = 0;
    std::int64_t life_start_ms = 0;  // order time
    DirichletMixture<3, 4> matured;
    DirichletMixture<2, 2> at_once;
    std::uint32_t alarmed_until_s = 0;  // events until then are activity; 0 = never alarmed
    std::int32_t matured_since_ms = 0,
                 at_once_since_ms = 0;  // first failing contact, since life_start; kNone = none yet
    std::uint32_t attempts = 0, accounts = 0, pending = 0;
    std::uint32_t prefix = 0;  // of an address: the record of its prefix
    std::uint16_t generation = 0;
    std::uint16_t partner = 0;  // of an address: the generation of its prefix; of a prefix that is
                                // alone: its only address
    std::uint8_t thinning = 0, matured_level = 0, at_once_level = 0;
    bool v4 : 1 = false, address : 1 = false, alone : 1 = false, touched : 1 = false;

    [[nodiscard]] Key key() const { return {tenant, value, v4, address}; }
    void reset(const Key& key);
  };
  static_assert(sizeof(Record) <= 96);
  static constexpr std::int32_t kNone = INT32_MIN;

  static std::uint64_t hash_of(const Key& key, std::uint64_t seed) {
    return mix(key.tenant + key.v4 + 2u * key.address, key.value, seed);
  }
  static Key address_key(const Key& prefix, std::uint16_t suffix) {
    return {prefix.tenant, prefix.value + suffix, prefix.v4, true};
  }
  // The prefix of an event and which of its addresses it is.
  struct Place {
    Key prefix;
    std::uint64_t hash;  // of the prefix
    std::uint16_t suffix;
  };
  [[nodiscard]] Place place_of(const LoginEvent& event) const;
  [[nodiscard]] static Entity entity_of(const Record& record, Scope one);

  void observe_one(const LoginEvent& event, FindingCollector& out);
  void candidate(const LoginEvent& event, const Place& place, FindingCollector& out) const;
  void activity(Record& record, Scope scope, const LoginEvent& event, FindingCollector& out) const;
  [[nodiscard]] Record& prefix_of(const Place& place, const LoginEvent& event);
  [[nodiscard]] Record& address_of(Record& prefix, std::uint16_t suffix, const LoginEvent& event);
  [[nodiscard]] const Record* find_address(const Record& prefix, std::uint16_t suffix) const;
  [[nodiscard]] Record* find_address(const Record& prefix, std::uint16_t suffix) {
    return const_cast<Record*>(std::as_const(*this).find_address(prefix, suffix));
  }
  [[nodiscard]] bool is_address_of(const Record& prefix, const Record& address) const {
    return address.prefix == slab_.number_of(prefix) && address.partner == prefix.generation;
  }
  void part(Record& prefix);
  void begin_life(Record& record, Scope scope, const LoginEvent& event);
  [[nodiscard]] bool of_earlier_life(const Record& record, const Contact& contact) const;

  [[nodiscard]] bool is_first(Record& record, Scope scope, Contact* known, const LoginEvent& event);
  void first_contact(Record& prefix, Record& address, Scope scope, const ContactOwner& owner,
                     std::uint16_t suffix, const LoginEvent& event, FindingCollector& out);
  void forgotten(const Contact& contact);
  void look_at_once(Record& record, Scope scope, ContactClass klass, const LoginEvent& event,
                    FindingCollector& out);
  void fetch_ahead() const;
  void mature(const Contact& contact, EventTime watermark, std::uint64_t seq,
              FindingCollector& out);
  void mature(Record& record, Scope scope, const Contact& contact, EventTime watermark,
              std::uint64_t seq, FindingCollector& out);
  void restart_matured(Record& record, Scope scope);
  void restart_at_once(Record& record, Scope scope);
  void alarm(Record& record, Scope scope, Finding finding, EventTime since, FindingCollector& out);
  void look_back_less(const Record& record, Scope one, Finding& said) const;
  [[nodiscard]] Evidence evidence_since(const Record& record, Scope one, EventTime since,
                                        EventTime until, bool matured) const;
  [[nodiscard]] bool owns(const Record& record, Scope one, const Contact& contact) const;
  [[nodiscard]] bool may_matter(const Contact& contact) const;
  [[nodiscard]] bool is_live(const Contact& contact) const {
    return contact.owned() && slab_.at(contact.record).generation == contact.generation;
  }
  static unsigned keys_in(Scope scope) { return scope == Scope::kBoth ? 2 : 1; }

  FirstContactsSettings settings_;
  DetectorId detector_;
  double starts_per_10m_;
  DirichletModel<3, 4> matured_model_;
  KeyedSlab<Record> slab_;
  ContactLog contacts_;
  EvidenceLives lives_;
  std::uint64_t forgotten_ = 0;  // contacts dropped within their life to make room
};

}  // namespace stuffwatch::detectors
