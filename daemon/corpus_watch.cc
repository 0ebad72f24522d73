#include "daemon/corpus_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "corpus/register_index.h"
#include "daemon/log.h"

namespace stuffwatch::daemon {

void CorpusWatch::start() {
  health_.wanted = true;
  probe_.use(nullptr, pipeline::ListProbe::unavailable());  // until there is one
  if (!options_.accounts.empty())
    read_accounts(version_of(options_.accounts / corpus::AccountRegister::kFileName));
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
  if (!options_.accounts.empty()) {
    const Version accounts = version_of(options_.accounts / corpus::AccountRegister::kFileName);
    if (accounts != accounts_tried_) {
      read_accounts(accounts);
      if (current_ != nullptr && !damaged) give();
    }
  }
  const Version found = version();
  const bool changed = found != tried_,
             again = Clock::now() >= retry_at_ && !health_.problem.empty();
  const bool better = !changed && retired_.empty() && Clock::now() >= retry_at_ && more_fits();
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
    return take(std::move(*corpus), version,
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

// One that cannot be read leaves the one before in use.
void CorpusWatch::read_accounts(const Version& version) {
  accounts_tried_ = version;
  auto accounts = corpus::AccountRegister::open(options_.accounts, hasher_.check_value());
  if (accounts) accounts_ = std::move(*accounts);
  const std::scoped_lock lock(mutex_);
  health_.accounts = accounts_ ? accounts_->open_accounts() : 0;
  health_.accounts_problem = accounts ? "" : accounts.error().message;
  if (!accounts)
    log_error("the register of accounts cannot be read: " + health_.accounts_problem);
  else
    log_info("the register of accounts is in use",
             {{"folder", options_.accounts.string()}, {"open_accounts", health_.accounts}});
}

// What is current, to the pipeline.
void CorpusWatch::give() {
  corpus::ListDirectory directory = current_->directory();
  if (accounts_) {
    auto exact = corpus::directory_of(*current_, *accounts_);
    if (exact)
      directory = std::move(*exact);
    else
      log_error("how common lists are among the site's accounts is learned: " +
                exact.error().message);
  }
  probe_.use(current_, std::make_shared<const corpus::ListDirectory>(std::move(directory)));
}

void CorpusWatch::take(corpus::Corpus corpus, const Version& version, double seconds) {
  const auto fresh = std::make_shared<const corpus::Corpus>(std::move(corpus));
  if (current_ != nullptr) retired_.push_back(std::move(current_));
  current_ = fresh;
  give();
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

CorpusWatch::Version CorpusWatch::version_of(const std::filesystem::path& file) {
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return {};
  const std::chrono::nanoseconds since_epoch =
      std::chrono::seconds(found.st_mtim.tv_sec) + std::chrono::nanoseconds(found.st_mtim.tv_nsec);
  return {std::chrono::sys_time<std::chrono::nanoseconds>(since_epoch), found.st_ino};
}

}  // namespace stuffwatch::daemon
