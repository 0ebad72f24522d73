#include "ingest/simulation/attack_streams.h"

#include <algorithm>

namespace stuffwatch::ingest::simulation {
namespace {

std::uint64_t list_seed(std::uint64_t seed, const std::string& name) {
  for (const char c : name) seed = mix(seed, 0x6c697374, static_cast<unsigned char>(c));
  return seed;
}

// Right password, second factor in the way: what an attacker's hit looks like on such an account.
void stop_by_second_factor(Attempt& attempt) {
  attempt.outcome = Outcome::kFailure;
  attempt.reason = FailureReason::kMfaFailed;
  attempt.mfa = Mfa::kFailed;
}

}  // namespace

BreachList::BreachList(const WorldConfig& world, std::string name, std::uint32_t lines)
    : name_(std::move(name)),
      lines_(std::min(lines, world.population)),
      order_(world.population, list_seed(world.seed, name_)) {}

ListWalk::ListWalk(std::shared_ptr<const World> world, std::shared_ptr<const BreachList> list,
                   ListWalkConfig config, std::uint64_t seed)
    : world_(std::move(world)), list_(std::move(list)), config_(std::move(config)), prng_(seed) {
  for (std::uint32_t i = 0; i < std::min(config_.workers, config_.attempts); ++i) {
    Worker& worker = workers_.emplace_back();
    worker.next =
        config_.begin +
        milliseconds(prng_.exponential(static_cast<std::uint64_t>(config_.mean_pause.count())));
    next_host(worker);
    worker.line = lines_taken_++;
  }
}

void ListWalk::next_host(Worker& worker) {
  worker.host = hosts_used_++ % static_cast<std::uint32_t>(config_.hosts.size());
  worker.uses_left = config_.most_uses == 0 ? config_.attempts
                                            : prng_.between(config_.fewest_uses, config_.most_uses);
}

std::optional<EventTime> ListWalk::next_time() {
  if (workers_.empty()) return std::nullopt;
  const auto first = std::ranges::min_element(workers_, {}, &Worker::next);
  turn_ = static_cast<std::size_t>(first - workers_.begin());
  return first->next;
}

void ListWalk::decide(Attempt& attempt) {
  ++attempts_;
  attempt.outcome = Outcome::kFailure;
  if (!world_->is_member(attempt.person)) {
    attempt.reason = FailureReason::kUnknownAccount;
    return;
  }
  const bool overdue = std::uint64_t{attempts_} * 6 / 1000 > successes_ + 1;
  const bool room = (successes_ + 1) * 100 <= std::max<std::uint32_t>(attempts_, 100);
  attempt.reason = FailureReason::kBadPassword;
  if (!overdue && !(room && prng_.chance(config_.reused_passwords))) return;
  if (attempt.mfa == Mfa::kPassed) return stop_by_second_factor(attempt);
  attempt.outcome = Outcome::kSuccess;
  attempt.reason = FailureReason::kNone;
  ++successes_;
}

Attempt ListWalk::take() {
  Worker& worker = workers_[turn_];
  Attempt attempt = world_->at_home(list_->person(config_.first_line + worker.line),
                                    DeviceKind::kDesktop, worker.next);
  attempt.address = config_.hosts[worker.host];
  attempt.client = config_.clients[worker.host % config_.clients.size()];
  attempt.device = mix(prng_.next());  // cookies are thrown away
  attempt.campaign = config_.campaign;
  decide(attempt);
  if (attempt.outcome == Outcome::kFailure && attempt.reason != FailureReason::kMfaFailed)
    attempt.mfa = Mfa::kNone;
  next_line(worker);
  return attempt;
}

void ListWalk::next_line(Worker& worker) {
  if (lines_taken_ == config_.attempts) {
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(turn_));
    return;
  }
  worker.line = lines_taken_++;
  if (--worker.uses_left == 0) next_host(worker);
  const auto mean = static_cast<std::uint64_t>(config_.mean_pause.count());
  // Half of a pause is the site's answer, always there; the rest varies.
  worker.next += milliseconds(static_cast<std::int64_t>(mean / 2 + prng_.exponential(mean / 2)));
}

Guessing::Guessing(std::shared_ptr<const World> world, GuessingConfig config, std::uint64_t seed)
    : world_(std::move(world)),
      config_(std::move(config)),
      prng_(seed),
      time_(config_.begin),
      total_(config_.attempts_per_target * static_cast<std::uint32_t>(config_.targets.size())) {}

std::optional<EventTime> Guessing::next_time() {
  return attempts_ < total_ ? std::optional(time_) : std::nullopt;
}

Attempt Guessing::take() {
  const auto targets = static_cast<std::uint32_t>(config_.targets.size());
  const std::uint32_t target = attempts_ % targets;
  const bool phone = prng_.chance(400'000);
  Attempt attempt = world_->at_home(config_.targets[target], DeviceKind::kDesktop, time_);
  attempt.address = home_v4(prng_.below(kMostHomes));
  attempt.client =
      phone ? world_->clients().phone(prng_.next()) : world_->clients().desktop(prng_.next());
  attempt.device = mix(prng_.next());
  attempt.campaign = config_.campaign;
  attempt.mfa = Mfa::kNone;
  // The first target's password is found with the last round but four.
  if (target != 0 || attempts_ / targets + 5 != config_.attempts_per_target) {
    attempt.outcome = Outcome::kFailure;
    attempt.reason = FailureReason::kBadPassword;
  }
  ++attempts_;
  time_ += milliseconds(static_cast<std::int64_t>(
      prng_.exponential(static_cast<std::uint64_t>(config_.mean_pause.count()))));
  return attempt;
}

}  // namespace stuffwatch::ingest::simulation
