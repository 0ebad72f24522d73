// A few threads that share two kinds of work: loops that the caller waits for, and background tasks (decoding) that run ahead of it.
//
// Threads: submit() from the owner's thread only; parallel_for() from one thread at a time. With one worker there is no thread at all: everything runs in the caller.
// Loops go before background tasks. Results must not depend on who runs what: callers write to slots of their own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace stuffwatch::daemon::pipeline {

class WorkerPool {
 public:
  using Task =
      std::function<void(unsigned worker)>;  // `worker` < workers(): for scratch that is not shared

  explicit WorkerPool(unsigned workers);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(threads_.size()) + 1; }

  // Calls body(i, worker) for i < count, each once, in any order; returns when all are done.
  void parallel_for(std::size_t count, const std::function<void(std::size_t, unsigned)>& body);
  // Runs some time; the first in is the first to start.
  void submit(Task task);
  void submit_first(Task task);  // before those that wait
  // Runs the oldest background task here, if one waits. False: none did.
  bool help();
  // Sleeps until a background task ends, at most `patience`.
  void wait_for_progress(std::chrono::milliseconds patience);

 private:
  struct Loop {
    const std::function<void(std::size_t, unsigned)>* body;
    std::size_t count;
    std::atomic<std::size_t> next{0}, done{0};
    std::atomic<unsigned> inside{0};
  };
  void run(unsigned worker);
  static void take_part(Loop& loop, unsigned worker);

  std::mutex mutex_;
  std::condition_variable wake_, progress_;
  std::deque<Task> tasks_;
  Loop* loop_ = nullptr;
  std::uint64_t finished_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace stuffwatch::daemon::pipeline
