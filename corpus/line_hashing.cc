#include "corpus/line_hashing.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kChunksAhead = 2;  // a thread

// Nothing: no line of it can be one of a list.
std::optional<ListFormat> guess(const LineChunk& chunk) {
  std::vector<std::string_view> first;
  for_each_line(chunk.bytes, [&](std::string_view line) {
    if (first.size() < ListFormat::kGuessLines && line.size() <= ListFormat::kMaxLineBytes)
      first.push_back(line);
  });
  if (first.empty()) return std::nullopt;
  return ListFormat::guess(first);
}

// Hands chunks to the workers, each in a thread of its own, and back empty, so that their memory is used again.
class Threads {
 public:
  explicit Threads(std::span<const std::unique_ptr<ChunkWorker>> workers)
      : most_(workers.size() * kChunksAhead) {
    for (const auto& worker : workers) threads_.emplace_back([&] { work(*worker); });
  }
  ~Threads() { stop(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  void give(ListChunk&& chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < most_; });
    waiting_.push_back(std::move(chunk));
    changed_.notify_all();
  }
  // Memory of an earlier chunk, if there is one.
  ListChunk reuse() {
    const std::scoped_lock lock(mutex_);
    if (spent_.empty()) return {};
    ListChunk chunk = std::move(spent_.back());
    spent_.pop_back();
    return chunk;
  }
  [[nodiscard]] bool failed() {
    const std::scoped_lock lock(mutex_);
    return !problem_.has_value();
  }
  // When all that was given is done.
  config::Result<void> finish() {
    stop();
    return problem_;
  }

 private:
  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    threads_.clear();
  }

  void work(ChunkWorker& worker) {
    std::unique_lock lock(mutex_);
    const auto keep = [&](config::Result<void> result) {
      if (problem_ && !result) problem_ = std::move(result);
    };
    for (;;) {
      changed_.wait(lock, [&] { return done_ || !waiting_.empty(); });
      if (waiting_.empty()) break;
      ListChunk chunk = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      auto taken = worker.take(chunk);
      lock.lock();
      keep(std::move(taken));
      if (spent_.size() < most_) spent_.push_back(std::move(chunk));
    }
    lock.unlock();
    auto finished = worker.finish();
    lock.lock();
    keep(std::move(finished));
  }

  const std::size_t most_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<ListChunk> waiting_;
  std::vector<ListChunk> spent_;
  bool done_ = false;
  config::Result<void> problem_;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace

LineTally& LineTally::operator+=(const LineTally& other) {
  valid += other.valid;
  for (std::size_t i = 0; i < rejected.size(); ++i) rejected[i] += other.rejected[i];
  return *this;
}

unsigned workers_within(std::uint64_t memory, std::uint64_t memory_of_one, unsigned wanted) {
  return static_cast<unsigned>(
      std::clamp<std::uint64_t>(memory / memory_of_one, 1, std::max(1U, wanted)));
}

config::Result<LinesRead> read_lines(ListInput& input, const std::optional<ListFormat>& format,
                                     std::span<const std::unique_ptr<ChunkWorker>> workers,
                                     const OnListProgress& on_progress) {
  Threads threads(workers);
  LinesRead read;
  std::optional<std::uint32_t> text;
  std::optional<ListFormat> of_text;
  for (std::uint64_t number = 0;; ++number) {
    ListChunk chunk = threads.reuse();
    auto more = input.next(chunk.lines);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (text != chunk.lines.text) of_text = format;
    text = chunk.lines.text;
    if (!of_text) of_text = guess(chunk.lines);
    chunk.format = of_text.value_or(ListFormat());
    chunk.number = number;
    if (read.format.empty() && of_text) read.format = of_text->name();
    threads.give(std::move(chunk));
    if (threads.failed()) break;  // told by finish()
    if (!on_progress({false, input.lines(), input.bytes_read(), input.bytes_total(), 0}))
      return read.stopped = true, read;
  }
  if (auto finished = threads.finish(); !finished) return std::unexpected(finished.error());
  if (read.format.empty()) read.format = ListFormat().name();
  return read;
}

}  // namespace stuffwatch::corpus
