#include "daemon/pipeline/list_probe.h"

namespace stuffwatch::daemon::pipeline {
namespace {

// Of one account. Every ordering of a list is one: an account that is in many lists must not lose the newest.
constexpr std::size_t kMostHits = 1024;

}  // namespace

ListProbe::Directory ListProbe::unavailable() {
  return std::make_shared<const corpus::ListDirectory>(
      corpus::ListDirectory{.lists = {}, .digest = {}, .state = "unavailable"});
}

void ListProbe::use(std::shared_ptr<const corpus::Corpus> corpus, Directory directory) {
  const std::scoped_lock lock(mutex_);
  next_ = std::move(corpus), next_directory_ = std::move(directory);
}

bool ListProbe::begin(std::span<detectors::LoginEvent* const> events) {
  const bool changed = refresh();
  if (mark(events)) return changed;
  return refresh();  // at once: no event refers to what was given up
}

bool ListProbe::refresh() {
  const std::scoped_lock lock(mutex_);
  if (next_directory_ == nullptr) return false;
  fold(counts_);
  corpus_ = std::move(next_), directory_ = std::exchange(next_directory_, nullptr);
  hits_.assign(directory_->lists.size(), 0);
  return true;
}

// False: the corpus was given up, by the next refresh().
bool ListProbe::resolve(corpus::Hits& hits) {
  corpus_->resolve(accounts_, hits, kMostHits);
  if (corpus_->intact()) return true;
  const std::scoped_lock lock(mutex_);
  corpus_ = nullptr;
  // Whatever was given in the meantime is newer.
  if (next_directory_ == nullptr) next_directory_ = unavailable();
  return false;
}

// False: the corpus was given up.
bool ListProbe::mark(std::span<detectors::LoginEvent* const> events) {
  if (corpus_ == nullptr) return true;
  accounts_.clear();
  for (const detectors::LoginEvent* event : events) accounts_.push_back(event->account);
  if (!resolve(of_events_)) return false;
  for (std::size_t i = 0; i < events.size(); ++i) events[i]->lists = of_events_.of(i);
  const std::scoped_lock lock(mutex_);
  counts_.lookups += events.size();
  for (const corpus::ListHit& hit : of_events_.all) ++hits_[hit.list];
  return true;
}

void ListProbe::mark(std::span<detectors::Finding> findings) {
  if (corpus_ == nullptr) return;
  accounts_.clear();
  for (const detectors::Finding& finding : findings)
    for (const auto& account : finding.evidence.list) accounts_.push_back(account.account);
  if (!resolve(of_findings_)) return;
  std::size_t next = 0;
  for (detectors::Finding& finding : findings)
    for (auto& account : finding.evidence.list) account.lists = of_findings_.of(next++);
}

void ListProbe::fold(Counts& counts) const {
  for (std::size_t i = 0; i < hits_.size(); ++i) counts.hits[directory_->lists[i].name] += hits_[i];
}

ListProbe::Counts ListProbe::counts() const {
  const std::scoped_lock lock(mutex_);
  Counts counts = counts_;
  fold(counts);
  return counts;
}

}  // namespace stuffwatch::daemon::pipeline
