// A value together with the mutex that guards it: the only way to the value is with the lock held.
//   LockGuarded<std::map<Id, Entry>> entries;
//   entries.with([&](auto& map) { map[id] = entry; });
// Threads: any. Cost: one uncontended lock a call. What `with` is given must not keep a reference to the value, nor call
// back into the same LockGuarded.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace stuffwatch::daemon {

template <class T>
class LockGuarded {
 public:
  LockGuarded() = default;
  explicit LockGuarded(T value) : value_(std::move(value)) {}

  // Returns what the function returns, by value unless it says otherwise.
  template <class F>
  auto with(F&& function) {
    const std::scoped_lock lock(mutex_);
    return std::invoke(std::forward<F>(function), value_);
  }
  template <class F>
  auto with(F&& function) const {
    const std::scoped_lock lock(mutex_);
    return std::invoke(std::forward<F>(function), value_);
  }

  // A copy of the whole.
  [[nodiscard]] T copy() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace stuffwatch::daemon
