#include "detectors/state/first_contacts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

namespace stuffwatch::detectors {
namespace {

using std::chrono::duration_cast;
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

constexpr std::uint32_t kMaturingAhead = 8;  // their records are fetched meanwhile

constexpr double kRestartBelow = 1e-3;
constexpr std::uint32_t kMinFailures = 4,
                        kMaxAttemptsPerAccount =
                            6;  // more attempts an account is a retry loop: operational

DirichletModel<3, 4> matured_model(double concentration) {
  return {{.875 * concentration, .1 * concentration, .025 * concentration},
          kMaturedAlternatives,
          kMaturedWeights};
}

EventTime from_ms(std::int64_t ms) { return EventTime{milliseconds{ms}}; }
std::int64_t to_ms(EventTime time) { return time.time_since_epoch().count(); }
std::uint32_t to_s(EventTime time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(to_ms(time) / 1000, 0, UINT32_MAX));
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

FirstContacts::FirstContacts(const FirstContactsSettings& settings, Entity::Kind kind,
                             const DetectorContext& context, double starts_per_10m)
    : settings_(settings),
      kind_(kind),
      detector_(context.id),
      starts_per_10m_(starts_per_10m),
      matured_model_(matured_model(settings.concentration)),
      slab_(settings.max_keys, context.table_seed, hash_of),
      contacts_(settings.max_contacts, context.table_seed) {}

void FirstContacts::Record::reset(const Key& key) {
  const auto next = static_cast<std::uint16_t>(generation + 1);
  *this = Record{};
  tenant = key.tenant, value = key.value, v4 = key.v4, generation = next;
}

FirstContacts::Key FirstContacts::key_of(const LoginEvent& event) const {
  const Entity entity = kind_ == Entity::Kind::kAddress
                            ? Entity::address(event.tenant, event.source_ip)
                            : Entity::prefix(event.tenant, event.source_ip);
  return {entity.tenant, entity.value, entity.v4};
}

void FirstContacts::prefetch(std::span<const LoginEvent* const> events, unsigned stage) const {
  for (const LoginEvent* event : events) {
    const Key key = key_of(*event);
    const std::uint64_t hash = slab_.hash(key), contact = contacts_.hash(hash, event->account);
    if (stage == 0) {
      slab_.prefetch_index(hash), contacts_.prefetch(contact);
    } else {
      slab_.prefetch_record(hash), contacts_.prefetch_contact(contact);
    }
  }
}

void FirstContacts::observe(std::span<const LoginEvent* const> events, FindingCollector& out) {
  for (const LoginEvent* event : events) {
    const Key key = key_of(*event);
    observe_one(*event, key, slab_.hash(key), out);
  }
}

void FirstContacts::observe_one(const LoginEvent& event, const Key& key, std::uint64_t hash,
                                FindingCollector& out) {
  const bool counts = event.outcome == Outcome::kSuccess || is_credential_failure(event);
  if (!counts) {  // a right password stopped by MFA is no evidence about the source, but a candidate on one that has alarmed
    const Record* record = event.stranger ? slab_.find(key, hash) : nullptr;
    if (record != nullptr && to_s(event.time) <= record->alarmed_until_s)
      out.activity(event, entity_of(*record));
    return;
  }
  bool inserted = false;
  Record& record = slab_.touch(key, hash, inserted, [](Record&) {});
  const bool over = !inserted && event.time - from_ms(record.life_start_ms) > settings_.life;
  if (inserted || over) begin_life(record, event.time);
  if (kept(event.account, record.thinning)) {
    ++record.attempts;
    Contact* contact = inserted ? nullptr : contacts_.find(owner_of(record, hash), event.account);
    if (contact == nullptr || of_earlier_life(record, *contact)) {
      first_contact(record, hash, event, out);
    } else {
      contact->count_attempt();
      if (event.outcome == Outcome::kSuccess && !contact->matured())
        contact->set_class(ContactClass::kOk);  // recovered in time
    }
  }
  if (event.stranger && to_s(event.time) <= record.alarmed_until_s) {
    out.activity(event, entity_of(record));
    if (event.outcome == Outcome::kFailure)
      record.alarmed_until_s = to_s(event.time + settings_.life);
  }
}

void FirstContacts::begin_life(Record& record, EventTime time) {
  record.life_start_ms = to_ms(time);
  record.attempts = 0,
  // Pending contacts go on into the new life; of a thinned key, those that were passed over too.
      record.accounts = record.pending << record.thinning;
  record.thinning = 0;
  restart_matured(record), restart_at_once(record);
}

// Its account may be counted once more. One that was pending when the life began has gone over into it.
bool FirstContacts::of_earlier_life(const Record& record, const Contact& contact) const {
  return contact.matured() && contact.time() + settings_.maturity <= from_ms(record.life_start_ms);
}

void FirstContacts::restart_matured(Record& record) {
  record.matured.restart(), record.matured_level = 0, record.evidence_start_ms = kNoEvidence;
  ++lives_.begun;
}
void FirstContacts::restart_at_once(Record& record) {
  record.at_once.restart(), record.at_once_level = 0;
  ++lives_.begun;
}

void FirstContacts::first_contact(Record& record, std::uint64_t hash, const LoginEvent& event,
                                  FindingCollector& out) {
  const ContactClass klass = class_of(event);
  if (record.pending >= kMaxPendingOfKey && record.thinning < 32) {
    ++record.thinning, record.pending /= 2;
    if (!kept(event.account, record.thinning)) return;
  }
  ++record.accounts, ++record.pending;
  contacts_.append(
      Contact::make(event.account, event.time, klass, event.stranger, owner_of(record, hash)),
      [&](const Contact& gone) {
        if (!gone.owned()) return;
        Record& owner = slab_.at(gone.owner.record);
        if (owner.generation != gone.owner.generation) return;
        if (!gone.matured() && owner.pending != 0) --owner.pending;
        if (!of_earlier_life(owner, gone)) ++forgotten_;
      });
  if (klass != ContactClass::kOk && klass != ContactClass::kUnknown) return;
  const double evidence =
      record.at_once.observe(kAtOnceModel, klass == ContactClass::kUnknown ? 1 : 0);
  if (record.at_once.count[1] >= kMinFailures) lives_.see(evidence, record.at_once_level);
  const double threshold = 2 * settings_.alarm_odds;
  if (evidence >= threshold) {
    const Finding base{
        .seq = event.seq,
        .time = event.time,
        .attack = AttackKind::kCredentialStuffing,
        .factor = {.statistic = "first contacts at once",
                   .null_model = "Dirichlet-multinomial, 8 * (.97 success, .03 unknown account)",
                   .window = "10m",
                   .value = evidence,
                   .threshold = threshold}};
    alarm(record, base, event.time - settings_.maturity, true, out);
  }
  if (evidence >= threshold || evidence < kRestartBelow) restart_at_once(record);
}

void FirstContacts::advance(EventTime watermark, std::uint64_t seq, FindingCollector& out) {
  for (Contact* c = contacts_.next_to_mature();
       c != nullptr && c->time() + settings_.maturity <= watermark;
       c = contacts_.next_to_mature()) {
    contacts_.mature_next();
    if (const Contact* soon = contacts_.to_mature_after(kMaturingAhead); soon != nullptr)
      slab_.prefetch_at(soon->owner.record);
    if (c->owned()) mature(*c, watermark, seq, out);
  }
}

void FirstContacts::mature(const Contact& contact, EventTime watermark, std::uint64_t seq,
                           FindingCollector& out) {
  Record& record = slab_.at(contact.owner.record);
  if (record.generation != contact.owner.generation) return;  // its key was evicted
  if (record.pending != 0) --record.pending;
  const ContactClass klass = contact.contact_class();
  if (klass == ContactClass::kFamiliar || !kept(AccountKey{contact.account}, record.thinning))
    return;
  if (klass != ContactClass::kOk && record.evidence_start_ms == kNoEvidence) {
    const std::int64_t since = to_ms(contact.time()) - record.life_start_ms;
    record.evidence_start_ms =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(since, INT32_MIN + 1, INT32_MAX));
  }
  const double evidence = record.matured.observe(matured_model_, static_cast<std::size_t>(klass));
  const std::uint32_t failures = std::uint32_t{record.matured.count[1]} + record.matured.count[2];
  if (failures >= kMinFailures) lives_.see(evidence, record.matured_level);
  const double threshold = 2 * settings_.alarm_odds;
  const bool retries =
      std::uint64_t{record.attempts} > std::uint64_t{kMaxAttemptsPerAccount} * record.accounts;
  const bool alarmed = evidence >= threshold && failures >= kMinFailures && !retries;
  if (alarmed) {
    const Finding base{
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
    alarm(record, base, from_ms(record.life_start_ms + record.evidence_start_ms), false, out);
  }
  if (alarmed || evidence < kRestartBelow) restart_matured(record);
}

void FirstContacts::alarm(Record& record, const Finding& base, EventTime since, bool at_once,
                          FindingCollector& out) {
  Finding finding = base;
  finding.detector = detector_;
  finding.key = entity_of(record);
  finding.starts_per_10m = starts_per_10m_;
  finding.evidence = evidence_since(record, since, base.time, at_once);
  record.alarmed_until_s = to_s(base.time + settings_.life);
  out.finding(std::move(finding));
}

// The failing contacts that made the evidence, and the strangers' successes among them: they are the victims.
Evidence FirstContacts::evidence_since(const Record& record, EventTime since, EventTime until,
                                       bool at_once) const {
  static constexpr milliseconds kDisorder =
      std::chrono::hours{1};  // how far the ring may be out of event-time order
  Evidence evidence{.start = until, .end = since, .list = {}};
  std::uint32_t left = record.accounts;  // beyond them there is nothing of this life
  contacts_.for_each_newest([&](const Contact& c) {
    if (!c.owned()) return true;  // its content was not kept, nor its time
    if (left == 0 || c.time() < since - kDisorder) return false;
    if (!owns(record, c)) return true;
    --left;
    const bool success = c.contact_class() == ContactClass::kOk && c.stranger();
    const bool failure =
        c.contact_class() == ContactClass::kBad || c.contact_class() == ContactClass::kUnknown;
    if (c.time() < since || (!success && !failure) || (failure && at_once == c.matured()))
      return true;
    evidence.start = std::min(evidence.start, c.time()),
    evidence.end = std::max(evidence.end, c.time());
    evidence.attempts += c.attempts(), ++evidence.accounts;
    (success ? evidence.successes : evidence.failures) += 1;
    if (evidence.list.size() < kMaxEvidenceAccounts)
      evidence.list.push_back({AccountKey{c.account}, c.time(), c.attempts(), success});
    return true;
  });
  evidence.failures = evidence.attempts - evidence.successes;
  std::reverse(evidence.list.begin(), evidence.list.end());
  return evidence;
}

void FirstContacts::add_usage(StateUsage& usage) const {
  usage.keys += slab_.size(), usage.max_keys += slab_.max_size();
  usage.evictions += slab_.evictions() + forgotten_;
  usage.bytes += slab_.bytes() + contacts_.bytes();
  usage.lives += lives_.begun;
  for (std::size_t i = 0; i < lives_.reached.size(); ++i) usage.reached[i] += lives_.reached[i];
}

// Whether a later event may still ask for it: to count its account, or as evidence, which may have begun before the life.
bool FirstContacts::may_matter(const Record& record, const Contact& contact) const {
  if (!of_earlier_life(record, contact)) return true;
  return record.evidence_start_ms != kNoEvidence &&
         contact.time() >= from_ms(record.life_start_ms + record.evidence_start_ms);
}

// Keys in the order of eviction, so that reading them back restores it; contacts refer to them by rank. Contacts that can no longer matter keep
// their place in the ring (what is forgotten next depends on it) but not their content.
void FirstContacts::save(StateWriter& out) const {
  std::vector<std::uint32_t> rank(slab_.max_size(), Contact::kNobody);
  out.put(slab_.size());
  std::uint32_t next = 0;
  slab_.for_each(
      [&](const Record& record) { rank[slab_.number_of(record)] = next++, out.put(record); });
  out.put(contacts_.size());
  std::uint64_t run = 0;
  contacts_.for_each([&](const Contact& c) {
    const bool owned = c.owned() && rank[c.owner.record] != Contact::kNobody &&
                       slab_.at(c.owner.record).generation == c.owner.generation;
    if (!owned || !may_matter(slab_.at(c.owner.record), c)) {
      ++run;
      return;
    }
    Contact kept_contact = c;
    kept_contact.owner =
        ContactOwner::of(rank[c.owner.record], c.owner.generation, c.owner.key_hash);
    out.put(run), out.put(kept_contact), run = 0;
  });
  out.put(run);
  out.put(lives_), out.put(forgotten_);
}

void FirstContacts::load(StateReader& in) {
  const auto keys = in.get<std::uint32_t>();
  if (keys > slab_.max_size()) return in.fail();
  for (std::uint32_t i = 0; i < keys && !in.failed(); ++i) {
    const auto saved = in.get<Record>();
    bool inserted = false;
    Record& record = slab_.touch(saved.key(), slab_.hash(saved.key()), inserted, [](Record&) {});
    if (!inserted) return in.fail();
    record = saved;
  }
  const auto total = in.get<std::uint64_t>();
  if (total > std::bit_ceil(settings_.max_contacts)) return in.fail();
  std::uint64_t count = 0;
  const auto forget = [](const Contact&) {};
  const auto matured = [&](const Contact& c) {
    const Contact& last = contacts_.append(c, forget);
    ++count;
    if (c.matured() && contacts_.next_to_mature() == &last)
      contacts_.mature_next();  // not past one that is still pending
  };
  while (!in.failed()) {
    const auto run = in.get<std::uint64_t>();
    if (run > total - count) return in.fail();
    for (std::uint64_t i = 0; i < run; ++i) matured(Contact{.packed = Contact::kMatured});
    if (count == total) break;
    const auto contact = in.get<Contact>();
    if (contact.owner.record >= keys) return in.fail();
    matured(contact);
  }
  lives_ = in.get<EvidenceLives>(), forgotten_ = in.get<std::uint64_t>();
}

}  // namespace stuffwatch::detectors
