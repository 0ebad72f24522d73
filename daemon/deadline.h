// One patience for several waits in a row: each gets what the earlier ones left of it.
#pragma once

#include <algorithm>
#include <chrono>

namespace stuffwatch::daemon {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Deadline(std::chrono::milliseconds patience) : at_(Clock::now() + patience) {}
  // Never below zero.
  [[nodiscard]] std::chrono::milliseconds left() const {
    using std::chrono::milliseconds;
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(at_ - Clock::now()));
  }

 private:
  Clock::time_point at_;
};

}  // namespace stuffwatch::daemon
