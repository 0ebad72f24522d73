// Counts, per e-process family, how many lives began and how many ever reached 1e2, 1e3, 1e4: the running test of the null (detection.md 7.3).
#pragma once

#include <array>
#include <cstdint>

namespace stuffwatch::detectors {

struct EvidenceLives {
  std::uint64_t begun = 0;
  std::array<std::uint64_t, 3> reached{};

  // `level` belongs to the life: how many marks it has passed so far. One record may stand for the lives of several keys.
  void see(double evidence, std::uint8_t& level, unsigned keys = 1) {
    static constexpr std::array kMarks{1e2, 1e3, 1e4};
    while (level < kMarks.size() && evidence >= kMarks[level]) reached[level++] += keys;
  }
};

}  // namespace stuffwatch::detectors
