#include "daemon/pipeline/worker_pool.h"

#include <utility>

namespace stuffwatch::daemon::pipeline {

WorkerPool::WorkerPool(unsigned workers) {
  for (unsigned w = 1; w < workers; ++w) threads_.emplace_back([this, w] { run(w); });
}

WorkerPool::~WorkerPool() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::take_part(Loop& loop, unsigned worker) {
  for (std::size_t i = loop.next.fetch_add(1); i < loop.count; i = loop.next.fetch_add(1)) {
    (*loop.body)(i, worker);
    loop.done.fetch_add(1, std::memory_order_release);
  }
}

void WorkerPool::parallel_for(std::size_t count,
                              const std::function<void(std::size_t, unsigned)>& body) {
  if (threads_.empty() || count < 2) {
    for (std::size_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  Loop loop{.body = &body, .count = count};
  {
    const std::scoped_lock lock(mutex_);
    loop_ = &loop;
  }
  wake_.notify_all();
  take_part(loop, 0);
  {
    const std::scoped_lock lock(mutex_);
    loop_ = nullptr;  // nobody enters from here on
  }
  while (loop.done.load(std::memory_order_acquire) < count ||
         loop.inside.load(std::memory_order_acquire) != 0)
    std::this_thread::yield();
}

void WorkerPool::submit(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void WorkerPool::submit_first(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_front(std::move(task));
  }
  wake_.notify_one();
}

bool WorkerPool::help() {
  Task task;
  {
    const std::scoped_lock lock(mutex_);
    if (tasks_.empty()) return false;
    task = std::move(tasks_.front()), tasks_.pop_front();
  }
  task(0);
  return true;
}

void WorkerPool::wait_for_progress(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = finished_;
  progress_.wait_for(lock, patience, [&] { return finished_ != before; });
}

void WorkerPool::run(unsigned worker) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] {
      return stopping_ || !tasks_.empty() || (loop_ != nullptr && loop_->next < loop_->count);
    });
    if (stopping_) return;
    if (Loop* loop = loop_; loop != nullptr && loop->next < loop->count) {
      loop->inside.fetch_add(1);
      lock.unlock();
      take_part(*loop, worker);
      loop->inside.fetch_sub(1, std::memory_order_release);
      lock.lock();
      continue;
    }
    if (tasks_.empty()) continue;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(worker);
    task = nullptr;
    lock.lock();
    ++finished_;
    progress_.notify_all();
  }
}

}  // namespace stuffwatch::daemon::pipeline
