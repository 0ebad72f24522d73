#include "detectors/state/first_contacts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace stuffwatch::detectors {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Classes (ok, bad, unknown); alternatives: stuffing, spraying, mixed, padded with the attacker's own successes.
constexpr std::array<std::array<double, 3>, 4> kMaturedAlternatives{
    {{.3, 2, 7.7}, {.3, 9.4, .3}, {.3, 5, 4.7}, {4, 1.5, 4.5}}};
constexpr std::array<double, 4> kMaturedWeights{.3, .3, .2, .2};
constexpr std::array kMaturedAttack{AttackKind::kCredentialStuffing, AttackKind::kPasswordSpraying,
                                    AttackKind::kCredentialStuffing,
                                    AttackKind::kCredentialStuffing};
// Classes (ok, unknown). Its concentration stays 8: at 12 and more a school's first day passes the threshold (detection.md 4.1).
constexpr DirichletModel<2, 2> kAtOnceModel{{7.76, .24}, {{{.3, 9.7}, {2, 8}}}, {.6, .4}};

constexpr std::uint32_t kMaturingAhead =
    4;  // contacts between one step of fetching ahead and the next

constexpr double kRestartBelow = 1e-3;
constexpr std::uint32_t kMinFailures = 4,
                        kMaxAttemptsPerAccount =
                            6;  // more attempts an account is a retry loop: operational

DirichletModel<3, 4> matured_model(double concentration) {
  return {{.875 * concentration, .1 * concentration, .025 * concentration},
          kMaturedAlternatives,
          kMaturedWeights};
}

EventTime order_time(const LoginEvent& event) { return event.time + event.lag; }
EventTime from_ms(std::int64_t ms) { return EventTime{milliseconds{ms}}; }
std::int64_t to_ms(EventTime time) { return time.time_since_epoch().count(); }
std::uint32_t to_s(EventTime time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(to_ms(time) / 1000, 0, UINT32_MAX));
}

std::int32_t since_start(EventTime time, std::int64_t start_ms) {
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(to_ms(time) - start_ms, INT32_MIN + 1, INT32_MAX));
}

ContactClass class_of(const LoginEvent& event) {
  if (event.outcome == Outcome::kSuccess) return ContactClass::kOk;
  if (event.reason == FailureReason::kUnknownAccount) return ContactClass::kUnknown;
  return event.stranger ? ContactClass::kBad : ContactClass::kFamiliar;
}

bool kept(AccountKey account, std::uint8_t thinning) {
  return (value_of(account) & ((1ull << thinning) - 1)) == 0;
}

}  // namespace

FirstContacts::FirstContacts(const FirstContactsSettings& settings, const DetectorContext& context,
                             double starts_per_10m)
    : settings_(settings),
      detector_(context.id),
      starts_per_10m_(starts_per_10m),
      matured_model_(matured_model(settings.concentration)),
      slab_(std::max(settings.max_keys, 2u), context.table_seed, hash_of),
      contacts_(settings.max_contacts, context.table_seed) {}

void FirstContacts::Record::reset(const Key& key) {
  const auto next = static_cast<std::uint16_t>(generation + 1);
  *this = Record{};
  tenant = key.tenant, value = key.value, v4 = key.v4, address = key.address, generation = next;
}

FirstContacts::Place FirstContacts::place_of(const LoginEvent& event) const {
  const Entity prefix = Entity::prefix(event.tenant, event.source_ip),
               address = Entity::address(event.tenant, event.source_ip);
  const Key key{prefix.tenant, prefix.value, prefix.v4, false};
  return {key, slab_.hash(key), static_cast<std::uint16_t>(address.value - prefix.value)};
}

Entity FirstContacts::entity_of(const Record& record, Scope one) {
  if (one == Scope::kPrefix) return {record.tenant, record.value, Entity::Kind::kPrefix, record.v4};
  const std::uint64_t value = record.address ? record.value : record.value + record.partner;
  return {record.tenant, value, Entity::Kind::kAddress, record.v4};
}

void FirstContacts::prefetch(std::span<const LoginEvent* const> events, unsigned stage) const {
  for (const LoginEvent* event : events) {
    const Place place = place_of(*event);
    const std::uint64_t address = slab_.hash(address_key(place.prefix, place.suffix)),
                        contact = contacts_.hash(place.hash, event->account);
    if (stage == 0) {
      slab_.prefetch_index(place.hash), slab_.prefetch_index(address), contacts_.prefetch(contact);
    } else {
      slab_.prefetch_record(place.hash), slab_.prefetch_record(address),
          contacts_.prefetch_contact(contact);
    }
  }
}

void FirstContacts::observe(std::span<const LoginEvent* const> events, FindingCollector& out) {
  for (const LoginEvent* event : events) observe_one(*event, out);
}

void FirstContacts::observe_one(const LoginEvent& event, FindingCollector& out) {
  const Place place = place_of(event);
  if (event.outcome != Outcome::kSuccess && !is_credential_failure(event))
    return candidate(event, place, out);
  Record& prefix = prefix_of(place, event);
  Record& address = address_of(prefix, place.suffix, event);
  const ContactOwner owner =
      ContactOwner::of(slab_.number_of(prefix), prefix.generation, place.hash);
  Contact* const known = contacts_.find(owner, event.account);
  if (&address == &prefix) {
    if (is_first(prefix, Scope::kBoth, known, event))
      first_contact(prefix, prefix, Scope::kBoth, owner, place.suffix, event, out);
    return activity(prefix, Scope::kBoth, event, out);
  }
  const bool same = known != nullptr && known->of_address && known->suffix == place.suffix &&
                    !of_earlier_life(address, *known);
  Contact* const known_here = same ? known : contacts_.find(owner, place.suffix, event.account);
  const bool first_here = is_first(address, Scope::kAddress, known_here, event),
             first = is_first(prefix, Scope::kPrefix, known, event);
  if (first || first_here)
    first_contact(prefix, address,
                  first && first_here ? Scope::kBoth
                  : first             ? Scope::kPrefix
                                      : Scope::kAddress,
                  owner, place.suffix, event, out);
  activity(address, Scope::kAddress, event, out), activity(prefix, Scope::kPrefix, event, out);
}

// A right password stopped by MFA is no evidence about the source, but a candidate on one that has alarmed.
void FirstContacts::candidate(const LoginEvent& event, const Place& place,
                              FindingCollector& out) const {
  if (!event.stranger) return;
  const Record* prefix = slab_.find(place.prefix, place.hash);
  if (prefix == nullptr) return;
  const Record* address = find_address(*prefix, place.suffix);
  if (address != nullptr && to_s(event.time) <= address->alarmed_until_s)
    out.activity(event, Entity::address(event.tenant, event.source_ip));
  if (to_s(event.time) <= prefix->alarmed_until_s)
    out.activity(event, entity_of(*prefix, Scope::kPrefix));
}

void FirstContacts::activity(Record& record, Scope scope, const LoginEvent& event,
                             FindingCollector& out) const {
  if (!event.stranger || to_s(event.time) > record.alarmed_until_s) return;
  for (const Scope one : {Scope::kAddress, Scope::kPrefix})
    if (covers(scope, one)) out.activity(event, entity_of(record, one));
  if (event.outcome == Outcome::kFailure)
    record.alarmed_until_s = to_s(event.time + settings_.life);
}

FirstContacts::Record& FirstContacts::prefix_of(const Place& place, const LoginEvent& event) {
  bool inserted = false;
  Record& prefix = slab_.touch(place.prefix, place.hash, inserted);
  if (inserted) prefix.alone = true, prefix.partner = place.suffix;
  if (!inserted && prefix.alone && prefix.partner != place.suffix) part(prefix);
  if (inserted || order_time(event) - from_ms(prefix.life_start_ms) > settings_.life)
    begin_life(prefix, prefix.alone ? Scope::kBoth : Scope::kPrefix, event);
  return prefix;
}

// What was known of the prefix was known of its only address, which gets a record of its own.
void FirstContacts::part(Record& prefix) {
  const Key key = address_key(prefix.key(), prefix.partner);
  bool inserted = false;
  Record& address = slab_.touch(key, slab_.hash(key), inserted, slab_.number_of(prefix));
  const std::uint16_t generation = address.generation;
  address = prefix;
  address.value = key.value, address.address = true, address.alone = false;
  address.generation = generation;
  address.prefix = slab_.number_of(prefix), address.partner = prefix.generation;
  prefix.alone = false;
}

FirstContacts::Record& FirstContacts::address_of(Record& prefix, std::uint16_t suffix,
                                                 const LoginEvent& event) {
  if (prefix.alone) return prefix;
  const Key key = address_key(prefix.key(), suffix);
  bool inserted = false;
  Record& address = slab_.touch(key, slab_.hash(key), inserted, slab_.number_of(prefix));
  const bool orphan = !inserted && !is_address_of(prefix, address);
  if (orphan) address.reset(key);  // its contacts went with the prefix that it had
  if (inserted || orphan)
    address.prefix = slab_.number_of(prefix), address.partner = prefix.generation;
  if (inserted || orphan || order_time(event) - from_ms(address.life_start_ms) > settings_.life)
    begin_life(address, Scope::kAddress, event);
  return address;
}

const FirstContacts::Record* FirstContacts::find_address(const Record& prefix,
                                                         std::uint16_t suffix) const {
  if (prefix.alone) return prefix.partner == suffix ? &prefix : nullptr;
  const Key key = address_key(prefix.key(), suffix);
  const Record* address = slab_.find(key, slab_.hash(key));
  return address != nullptr && is_address_of(prefix, *address) ? address : nullptr;
}

void FirstContacts::begin_life(Record& record, Scope scope, const LoginEvent& event) {
  record.life_start_ms = to_ms(order_time(event));
  record.attempts = 0,
  // Pending contacts go on into the new life; of a thinned key, those that were passed over too.
      record.accounts = record.pending << record.thinning;
  record.thinning = 0;
  restart_matured(record, scope), restart_at_once(record, scope);
}

// Its account may be counted once more. One that was pending when the life began has gone over into it.
bool FirstContacts::of_earlier_life(const Record& record, const Contact& contact) const {
  return contact.matured &&
         contact.order_time() + settings_.maturity <= from_ms(record.life_start_ms);
}

void FirstContacts::restart_matured(Record& record, Scope scope) {
  record.matured.restart(), record.matured_level = 0, record.matured_since_ms = kNone;
  lives_.begun += keys_in(scope);
}
void FirstContacts::restart_at_once(Record& record, Scope scope) {
  record.at_once.restart(), record.at_once_level = 0, record.at_once_since_ms = kNone;
  lives_.begun += keys_in(scope);
}

// Counts the attempt; whether it is the first one on its account in this life, and is to be remembered as such.
bool FirstContacts::is_first(Record& record, Scope scope, Contact* known, const LoginEvent& event) {
  if (!kept(event.account, record.thinning)) return false;
  ++record.attempts;
  if (known != nullptr && !of_earlier_life(record, *known)) {
    known->count_attempt(scope);
    if (event.outcome == Outcome::kSuccess && !known->matured)
      known->set_ok(scope);  // recovered in time
    return false;
  }
  if (record.pending >= kMaxPendingOfKey && record.thinning < 32) {
    ++record.thinning, record.pending /= 2;
    if (!kept(event.account, record.thinning)) return false;
  }
  ++record.accounts, ++record.pending;
  return true;
}

void FirstContacts::first_contact(Record& prefix, Record& address, Scope scope,
                                  const ContactOwner& owner, std::uint16_t suffix,
                                  const LoginEvent& event, FindingCollector& out) {
  const ContactClass klass = class_of(event);
  contacts_.append(Contact::make(event, klass, scope, owner, suffix),
                   [this](const Contact& gone) { forgotten(gone); });
  if (klass != ContactClass::kOk && klass != ContactClass::kUnknown) return;
  if (&address == &prefix) return look_at_once(prefix, Scope::kBoth, klass, event, out);
  for (const auto& [record, one] :
       {std::pair(&address, Scope::kAddress), {&prefix, Scope::kPrefix}})
    if (covers(scope, one)) look_at_once(*record, one, klass, event, out);
}

void FirstContacts::forgotten(const Contact& contact) {
  if (!is_live(contact)) return;
  Record& prefix = slab_.at(static_cast<std::uint32_t>(contact.record));
  Record* const address = find_address(prefix, contact.suffix);
  bool counts = false;
  const auto drop = [&](Record& record) {
    const bool waited = !contact.matured && kept(AccountKey{contact.account}, record.thinning);
    if (waited && record.pending != 0) --record.pending;
    counts = counts || !of_earlier_life(record, contact);
  };
  if (contact.of_prefix) drop(prefix);
  if (contact.of_address && address != nullptr && address != &prefix) drop(*address);
  if (counts) ++forgotten_;
}

void FirstContacts::look_at_once(Record& record, Scope scope, ContactClass klass,
                                 const LoginEvent& event, FindingCollector& out) {
  const bool unknown = klass == ContactClass::kUnknown;
  if (unknown && record.at_once_since_ms == kNone)
    record.at_once_since_ms = since_start(event.time, record.life_start_ms);
  const double evidence = record.at_once.observe(kAtOnceModel, unknown ? 1 : 0);
  if (record.at_once.count[1] >= kMinFailures)
    lives_.see(evidence, record.at_once_level, keys_in(scope));
  const double threshold = 2 * settings_.alarm_odds;
  if (evidence >= threshold) {
    Finding finding{
        .seq = event.seq,
        .time = event.time,
        .attack = AttackKind::kCredentialStuffing,
        .factor = {.statistic = "first contacts at once",
                   .null_model = "Dirichlet-multinomial, 8 * (.97 success, .03 unknown account)",
                   .window = "24h",
                   .value = evidence,
                   .threshold = threshold}};
    alarm(record, scope, std::move(finding),
          from_ms(record.life_start_ms + record.at_once_since_ms), out);
  }
  if (evidence >= threshold || evidence < kRestartBelow) restart_at_once(record, scope);
}

void FirstContacts::advance(EventTime watermark, std::uint64_t seq, FindingCollector& out) {
  for (Contact* c = contacts_.next_to_mature();
       c != nullptr && c->order_time() + settings_.maturity <= watermark;
       c = contacts_.next_to_mature()) {
    contacts_.mature_next();
    fetch_ahead();
    mature(*c, watermark, seq, out);
  }
}

// The records that contacts about to mature will ask for: the prefix's, then with that the place in the index of the address, then its record.
void FirstContacts::fetch_ahead() const {
  const auto ahead = [&](std::uint32_t by) {
    const Contact* soon = contacts_.to_mature_after(by);
    return soon != nullptr && soon->owned() ? soon : nullptr;
  };
  if (const Contact* soon = ahead(3 * kMaturingAhead); soon != nullptr)
    slab_.prefetch_at(static_cast<std::uint32_t>(soon->record));
  for (const std::uint32_t by : {2 * kMaturingAhead, kMaturingAhead}) {
    const Contact* soon = ahead(by);
    if (soon == nullptr || !soon->of_address) continue;
    const Record& prefix = slab_.at(static_cast<std::uint32_t>(soon->record));
    if (prefix.alone) continue;
    const std::uint64_t hash = slab_.hash(address_key(prefix.key(), soon->suffix));
    by == kMaturingAhead ? slab_.prefetch_record(hash) : slab_.prefetch_index(hash);
  }
}

void FirstContacts::mature(const Contact& contact, EventTime watermark, std::uint64_t seq,
                           FindingCollector& out) {
  if (!is_live(contact)) return;  // or its prefix was evicted
  Record& prefix = slab_.at(static_cast<std::uint32_t>(contact.record));
  if (prefix.alone) return mature(prefix, Scope::kBoth, contact, watermark, seq, out);
  if (contact.of_address)
    if (Record* address = find_address(prefix, contact.suffix); address != nullptr)
      mature(*address, Scope::kAddress, contact, watermark, seq, out);
  if (contact.of_prefix) mature(prefix, Scope::kPrefix, contact, watermark, seq, out);
}

void FirstContacts::mature(Record& record, Scope scope, const Contact& contact, EventTime watermark,
                           std::uint64_t seq, FindingCollector& out) {
  if (!kept(AccountKey{contact.account}, record.thinning)) return;  // nor is it among the pending
  if (record.pending != 0) --record.pending;
  const ContactClass klass = contact.contact_class(scope);
  if (klass == ContactClass::kFamiliar) return;
  if (klass != ContactClass::kOk && record.matured_since_ms == kNone)
    record.matured_since_ms = since_start(contact.time(), record.life_start_ms);
  const double evidence = record.matured.observe(matured_model_, static_cast<std::size_t>(klass));
  const std::uint32_t failures = std::uint32_t{record.matured.count[1]} + record.matured.count[2];
  if (failures >= kMinFailures) lives_.see(evidence, record.matured_level, keys_in(scope));
  const double threshold = 2 * settings_.alarm_odds;
  const bool retries =
      std::uint64_t{record.attempts} > std::uint64_t{kMaxAttemptsPerAccount} * record.accounts;
  const bool alarmed = evidence >= threshold && failures >= kMinFailures && !retries;
  if (alarmed) {
    Finding finding{
        .seq = seq,
        .at_tick = true,
        .time = watermark,
        .attack = kMaturedAttack[record.matured.best(matured_model_)],
        .factor = {
            .statistic = "first contacts, matured",
            .null_model =
                "Dirichlet-multinomial, c * (.875 success, .1 bad password, .025 unknown account)",
            .window = "24h",
            .value = evidence,
            .threshold = threshold}};
    alarm(record, scope, std::move(finding),
          from_ms(record.life_start_ms + record.matured_since_ms), out);
  }
  if (alarmed || evidence < kRestartBelow) restart_matured(record, scope);
}

void FirstContacts::alarm(Record& record, Scope scope, Finding finding, EventTime since,
                          FindingCollector& out) {
  finding.detector = detector_;
  finding.starts_per_10m = starts_per_10m_;
  record.alarmed_until_s = to_s(finding.time + settings_.life);
  for (const Scope one : {Scope::kAddress, Scope::kPrefix}) {
    if (!covers(scope, one)) continue;
    Finding said = finding;
    said.key = entity_of(record, one);
    said.evidence = evidence_since(record, one, since, finding.time, finding.at_tick);
    if (!finding.at_tick) look_back_less(record, one, said);
    out.finding(std::move(said));
  }
}

// At once: a process that has seen a stray failure hours ago tells the attack, not the day: the last ten minutes, if most of it happened then.
void FirstContacts::look_back_less(const Record& record, Scope one, Finding& said) const {
  Evidence recent =
      evidence_since(record, one, said.time - settings_.maturity, said.time, said.at_tick);
  if (2 * recent.accounts < record.at_once.count[1]) return;
  said.evidence = std::move(recent), said.factor.window = "10m";
}

// The failing contacts that made the evidence, and the strangers' successes among them: they are the victims.
Evidence FirstContacts::evidence_since(const Record& record, Scope one, EventTime since,
                                       EventTime until, bool matured) const {
  Evidence evidence{.start = until, .end = since, .list = {}};
  std::uint32_t left = record.accounts;  // beyond them there is nothing of this life
  contacts_.for_each_newest([&](const Contact& c) {
    if (!c.owned()) return true;  // its content was not kept, nor its time
    if (left == 0 || c.order_time() < since) return false;
    if (!owns(record, one, c)) return true;
    --left;
    const ContactClass klass = c.contact_class(one);
    const bool success = klass == ContactClass::kOk && c.stranger;
    const bool failure = klass == ContactClass::kBad || klass == ContactClass::kUnknown;
    if (c.time() < since || (!success && !failure) || (failure && matured && !c.matured))
      return true;
    evidence.start = std::min(evidence.start, c.time()),
    evidence.end = std::max(evidence.end, c.time());
    evidence.attempts += c.attempts(one), ++evidence.accounts;
    (success ? evidence.successes : evidence.failures) += 1;
    if (evidence.list.size() < kMaxEvidenceAccounts)
      evidence.list.push_back({AccountKey{c.account}, c.time(), c.attempts(one), success});
    return true;
  });
  evidence.failures = evidence.attempts - evidence.successes;
  std::reverse(evidence.list.begin(), evidence.list.end());
  return evidence;
}

bool FirstContacts::owns(const Record& record, Scope one, const Contact& contact) const {
  const std::uint32_t prefix = record.address ? record.prefix : slab_.number_of(record);
  const std::uint16_t generation = record.address ? record.partner : record.generation;
  return contact.record == prefix && contact.generation == generation && contact.counts_for(one) &&
         (!record.address || contact.suffix == record.value - slab_.at(prefix).value);
}

StateUsage FirstContacts::usage() const {
  return {.keys = slab_.size(),
          .max_keys = slab_.max_size(),
          .evictions = slab_.evictions() + forgotten_,
          .bytes = slab_.bytes() + contacts_.bytes(),
          .saved = state_bytes(),
          .lives = lives_.begun,
          .reached = {lives_.reached[0], lives_.reached[1], lives_.reached[2]}};
}

}  // namespace stuffwatch::detectors
