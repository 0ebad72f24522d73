#include "daemon/corpus_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "daemon/log.h"

namespace stuffwatch::daemon {

void CorpusWatch::start() {
  health_.wanted = true;
  give_up();  // until there is one: alerts say that it is not there
  read(version());
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

CorpusHealth CorpusWatch::health() const {
  pipeline::ListProbe::Counts counts = probe_.counts();
  const std::scoped_lock lock(mutex_);
  CorpusHealth health = health_;
  health.lookups = counts.lookups, health.hits = std::move(counts.hits);
  return health;
}

void CorpusWatch::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.look_every, [] { return false; });
    }
    if (!stop.stop_requested()) look();
  }
}

void CorpusWatch::look() {
  std::erase_if(retired_, [](const auto& corpus) { return corpus.use_count() == 1; });
  const bool damaged = current_ != nullptr && !current_->intact();
  if (damaged) {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(health_.up, false))
      log_error("the breach lists are given up: a file of them was cut short or its disk fails");
    health_.problem = options_.folder.string() +
                      ": a file of the corpus was cut short or its disk fails; stuffwatch corpus "
                      "verify says which";
  }
  const Version found = version();
  const bool changed = found != tried_,
             again = Clock::now() >= retry_at_ && !health_.problem.empty();
  const bool better = !changed && retired_.empty() && more_fits();
  if (changed || again || better) read(found);
}

// As far as it fits, what is mapped is read into memory once there is room.
bool CorpusWatch::more_fits() const {
  if (current_ == nullptr || !current_->intact()) return false;
  const std::uint64_t loaded = current_->loaded_bytes();
  return std::ranges::any_of(current_->segments(), [&](const corpus::Segment& segment) {
    return segment.is_mapped() && loaded + segment.bytes() <= options_.memory;
  });
}

void CorpusWatch::read(const Version& version) {
  const auto begin = Clock::now();
  tried_ = version, retry_at_ = begin + options_.retry_every;
  auto corpus = corpus::Corpus::open(options_.folder, hasher_,
                                     corpus::Placement{options_.memory, current_.get()});
  if (corpus)
    return give(std::move(*corpus), version,
                std::chrono::duration<double>(Clock::now() - begin).count());
  const std::scoped_lock lock(mutex_);
  ++health_.failures;
  const std::string problem = corpus.error().message;
  if (problem != health_.problem)
    log_error((health_.up ? "the breach lists cannot be read anew, the old ones stay in use: "
                          : "the breach lists cannot be read, alerts name none: ") +
              problem);
  health_.problem = problem;
}

void CorpusWatch::give(corpus::Corpus corpus, const Version& version, double seconds) {
  const auto fresh = std::make_shared<const corpus::Corpus>(std::move(corpus));
  probe_.use(fresh, std::make_shared<const corpus::ListDirectory>(fresh->directory()));
  if (current_ != nullptr) retired_.push_back(std::move(current_));
  current_ = fresh;
  const std::scoped_lock lock(mutex_);
  health_.up = true, health_.problem.clear(), ++health_.loads;
  health_.lists = fresh->lists().size(), health_.entries = fresh->entries();
  health_.bytes = fresh->bytes(), health_.loaded_bytes = fresh->loaded_bytes();
  health_.digest = fresh->digest(), health_.load_seconds = seconds;
  health_.changed = std::chrono::floor<std::chrono::milliseconds>(version.time);
  log_info("breach lists are in use", {{"folder", options_.folder.string()},
                                       {"lists", health_.lists},
                                       {"accounts", health_.entries},
                                       {"bytes", health_.bytes},
                                       {"of_them_in_memory", health_.loaded_bytes},
                                       {"seconds", seconds}});
}

void CorpusWatch::give_up() {
  probe_.use(nullptr, std::make_shared<const corpus::ListDirectory>(corpus::ListDirectory{
                          .lists = {}, .digest = {}, .state = "unavailable"}));
}

CorpusWatch::Version CorpusWatch::version() const {
  struct stat manifest{};
  if (::stat((options_.folder / corpus::Manifest::kFileName).c_str(), &manifest) != 0) return {};
  const std::chrono::nanoseconds since_epoch = std::chrono::seconds(manifest.st_mtim.tv_sec) +
                                               std::chrono::nanoseconds(manifest.st_mtim.tv_nsec);
  return {std::chrono::sys_time<std::chrono::nanoseconds>(since_epoch), manifest.st_ino};
}

}  // namespace stuffwatch::daemon
