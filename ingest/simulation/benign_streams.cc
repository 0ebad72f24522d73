#include "ingest/simulation/benign_streams.h"

#include <algorithm>
#include <array>

namespace stuffwatch::ingest::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

milliseconds ms(std::uint64_t count) { return milliseconds(static_cast<std::int64_t>(count)); }

// In percent of the busiest hour; the sum over the day is 12 busiest hours.
constexpr std::array<std::uint8_t, 24> kDay = {14, 9,  6,  5,  6,  10, 24, 44, 62, 70, 74, 74,
                                               72, 68, 66, 66, 68, 74, 80, 84, 80, 66, 44, 26};

EventTime since_midnight(EventTime base, std::uint64_t random_ms) { return base + ms(random_ms); }

}  // namespace

void VisitScript::fail(Attempt& attempt, FailureReason reason, PendingAttempts& out,
                       std::uint32_t mean_seconds) {
  Attempt failed = attempt;
  failed.outcome = Outcome::kFailure;
  failed.reason = reason;
  failed.mfa = reason == FailureReason::kMfaFailed ? Mfa::kFailed : Mfa::kNone;
  out.add(failed);
  // Nobody types a name and a password in less than two seconds.
  attempt.time += seconds(2) + ms(prng_.exponential(std::uint64_t{mean_seconds} * 1000));
}

void VisitScript::play_forgotten(Attempt attempt, PendingAttempts& out) {
  for (std::uint32_t tries = prng_.between(2, 4); tries > 0; --tries)
    fail(attempt, FailureReason::kBadPassword, out, 12);
  if (prng_.chance(350'000)) return;                            // gives up
  attempt.time += minutes(1) + ms(prng_.exponential(120'000));  // reads the mail, chooses a new one
  out.add(attempt);
}

void VisitScript::play(const Attempt& first, PendingAttempts& out) {
  const Mistakes& m = world_.config().mistakes;
  Attempt attempt = first;
  std::uint32_t dice = prng_.below(kMillion);
  const auto drawn = [&dice](std::uint32_t chance) {
    const bool yes = dice < chance;
    dice -= yes ? 0 : chance;
    return yes;
  };
  if (drawn(m.forgotten_password)) return play_forgotten(attempt, out);
  if (drawn(m.mistyped_password)) {
    do fail(attempt, FailureReason::kBadPassword, out, 7);
    while (prng_.chance(220'000));
    if (prng_.chance(60'000)) return;
  } else if (drawn(m.mistyped_name)) {
    attempt.misspelling = prng_.between(1, 24);
    do fail(attempt, FailureReason::kUnknownAccount, out, 9);
    while (prng_.chance(150'000));
    attempt.misspelling = 0;
  } else if (drawn(m.no_account)) {
    const WorldConfig& c = world_.config();
    attempt.person = c.members + prng_.below(c.population - c.members);
    fail(attempt, FailureReason::kUnknownAccount, out, 20);
    if (prng_.chance(500'000)) fail(attempt, FailureReason::kUnknownAccount, out, 20);
    return;
  } else if (drawn(m.locked)) {
    return fail(attempt, FailureReason::kLocked, out, 1);
  } else if (drawn(m.disabled)) {
    return fail(attempt, FailureReason::kDisabled, out, 1);
  } else if (drawn(m.mfa_failed)) {
    fail(attempt, FailureReason::kMfaFailed, out, 15);
    attempt.mfa = Mfa::kPassed;
  } else if (drawn(m.site_error)) {
    fail(attempt, FailureReason::kInternalError, out, 4);
  }
  out.add(attempt);
}

void VisitScript::play_expired(const Attempt& first, PendingAttempts& out) {
  Attempt attempt = first;
  for (std::uint32_t tries = prng_.between(1, 3); tries > 0; --tries)
    fail(attempt, FailureReason::kBadPassword, out, 15);
  // Some call the help desk and are back within the hour.
  attempt.time += prng_.chance(120'000) ? minutes(12) + ms(prng_.exponential(900'000))
                                        : minutes(1) + ms(prng_.exponential(90'000));
  out.add(attempt);
}

MemberTraffic::MemberTraffic(std::shared_ptr<const World> world, const TrafficConfig& config,
                             std::uint64_t seed)
    : world_(std::move(world)),
      config_(config),
      script_(*world_, seed),
      sweep_(world_->config().members, mix(seed, 0x7377656570)),
      arrival_(config.begin) {}

std::optional<EventTime> MemberTraffic::next_time() {
  // Everything that a visit adds lies at or after its arrival, so pending attempts before the next
  // arrival are final.
  while (arrival_ < config_.end && (!pending_.next_time() || *pending_.next_time() >= arrival_))
    schedule();
  const auto next = pending_.next_time();
  return next && *next < config_.end ? next : std::nullopt;
}

PersonId MemberTraffic::pick(EventTime time) {
  const std::uint32_t members = world_->config().members;
  Prng& prng = script_.prng();
  if (config_.everyone && visits_ % 2 == 0)
    return static_cast<PersonId>(sweep_(visits_ / 2 % members));
  PersonId person = 0;
  for (int tries = 0; tries < 4; ++tries) {
    // A sixteenth of the members makes a quarter of the visits.
    person = prng.chance(200'000) ? static_cast<PersonId>(sweep_(prng.below((members + 15) / 16)))
                                  : prng.below(members);
    if (!config_.by_hour || world_->fits_habits(person, time, prng.next())) break;
  }
  return person;
}

void MemberTraffic::schedule() {
  Prng& prng = script_.prng();
  const WorldConfig& c = world_->config();
  const PersonId person = pick(arrival_);
  ++visits_;
  const bool phone = prng.chance(c.phone_visits);
  const DeviceKind device = !phone                      ? DeviceKind::kDesktop
                            : prng.chance(c.app_visits) ? DeviceKind::kApp
                                                        : DeviceKind::kPhone;
  const bool away = phone && prng.chance(c.away_visits);
  script_.play(away ? world_->on_the_move(person, device, arrival_)
                    : world_->at_home(person, device, arrival_),
               pending_);

  std::uint64_t mean_us = 1'000'000'000 / config_.visits_per_1000_s;
  if (config_.by_hour) {
    const auto hour =
        std::chrono::floor<std::chrono::hours>(arrival_).time_since_epoch().count() % 24;
    mean_us = mean_us * 50 / kDay[static_cast<std::size_t>(hour)];
  }
  const std::uint64_t gap_us = carry_us_ + prng.exponential(mean_us);
  arrival_ += ms(gap_us / 1000);
  carry_us_ = gap_us % 1000;
}

StaleClients::StaleClients(std::shared_ptr<const World> world, EventTime begin, EventTime end,
                           std::uint32_t clients, std::uint64_t seed)
    : world_(std::move(world)), end_(end), prng_(seed) {
  const WorldConfig& c = world_->config();
  for (std::uint32_t i = 0; i < clients; ++i) {
    const bool deleted = i % 3 == 0;
    const PersonId person =
        deleted ? c.members + prng_.below(c.population - c.members) : prng_.below(c.members);
    Attempt attempt =
        world_->at_home(person, i % 4 == 0 ? DeviceKind::kDesktop : DeviceKind::kApp, begin);
    attempt.time = since_midnight(begin, prng_.below(7'200'000));
    attempt.outcome = Outcome::kFailure;
    attempt.reason = deleted ? FailureReason::kUnknownAccount : FailureReason::kBadPassword;
    attempt.mfa = Mfa::kNone;
    if (attempt.time < end_) pending_.add(attempt);
  }
}

Attempt StaleClients::take() {
  const Attempt attempt = pending_.take();
  // Each has its own interval between five minutes and four hours, and keeps it to within a minute.
  const std::uint32_t every_s = 300 + reduce(mix(attempt.device), 14'100);
  Attempt again = attempt;
  again.time += seconds(every_s) + ms(prng_.below(60'000));
  if (again.time < end_) pending_.add(again);
  return attempt;
}

OfficeMorning::OfficeMorning(std::shared_ptr<const World> world, const OfficeConfig& config,
                             std::uint64_t seed)
    : world_(std::move(world)) {
  VisitScript script(*world_, seed);
  const Permutation staff(world_->config().members, mix(seed, config.office));
  for (std::uint32_t i = 0; i < std::min(config.employees, world_->config().members); ++i) {
    const auto person = static_cast<PersonId>(staff(i));
    // Most come around the middle of the two hours.
    const auto late =
        ms(std::uint64_t{script.prng().below(3'600'000)} + script.prng().below(3'600'000));
    Attempt attempt = world_->at_home(person, DeviceKind::kDesktop, config.opens + late);
    attempt.address = office_address(config.office);
    attempt.device = mix(attempt.device, config.office);  // the computer at work
    if (script.prng().chance(config.expired))
      script.play_expired(attempt, pending_);
    else
      script.play(attempt, pending_);
  }
}

TravellingRetries::TravellingRetries(std::shared_ptr<const World> world, EventTime begin,
                                     EventTime end, std::uint32_t travellers, std::uint64_t seed)
    : world_(std::move(world)) {
  Prng prng(seed);
  const auto span_ms = static_cast<std::uint32_t>((end - begin) / milliseconds(1));
  for (std::uint32_t i = 0; i < travellers; ++i) {
    const PersonId person = prng.below(world_->config().members);
    EventTime time = since_midnight(begin, prng.below(span_ms));
    const std::uint32_t tries = prng.between(3, 7);
    std::uint32_t carrier = prng.below(kCarriers), region = prng.below(kCarrierSlash16s);
    for (std::uint32_t n = 0; n <= tries && time < end; ++n) {
      Attempt attempt = world_->on_the_move(person, DeviceKind::kApp, time);
      // From cell to cell inside a region's /16, sometimes to the next region; a few cross borders,
      // from carrier to carrier.
      if (n > 0 && prng.chance(150'000)) ++region;
      if (n > 0 && i % 12 == 0 && prng.chance(250'000)) ++carrier;
      // One draw a statement: compilers differ in the order in which they evaluate arguments.
      const std::uint32_t pool = region % kCarrierSlash16s + kCarrierSlash16s * prng.below(4);
      attempt.address = carrier_address(carrier % kCarriers, pool, prng.below(32));
      if (n < tries) {
        attempt.outcome = Outcome::kFailure;
        attempt.reason = FailureReason::kBadPassword;
        attempt.mfa = Mfa::kNone;
      }
      pending_.add(attempt);
      time += seconds(40) + ms(prng.exponential(180'000));
    }
  }
}

Monitor::Monitor(std::shared_ptr<const World> world, EventTime begin, EventTime end)
    : world_(std::move(world)), time_(begin + seconds(7)), end_(end) {}

Attempt Monitor::take() {
  Attempt attempt = world_->at_home(0, DeviceKind::kDesktop, time_);
  attempt.address = monitoring_address();
  attempt.client = world_->clients().tool(0);
  attempt.device = 1;
  attempt.mfa = Mfa::kNone;
  time_ += minutes(1);
  return attempt;
}

}  // namespace stuffwatch::ingest::simulation
