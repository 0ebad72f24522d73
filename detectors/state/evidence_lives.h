// Counts, per e-process family, how many lives began and how many ever reached 1e2, 1e3, 1e4: the running test of the null (detection.md 7.3).
#pragma once

#include <array>
#include <cstdint>

namespace stuffwatch::detectors {

struct EvidenceLives {
  std::uint64_t begun = 0;
  std::array<std::uint64_t, 3> reached{};

  // `level` belongs to the life: how many marks it has passed so far.
  void see(double evidence, std::uint8_t& level) {
    static constexpr std::array kMarks{1e2, 1e3, 1e4};
    while (level < kMarks.size() && evidence >= kMarks[level]) ++reached[level++];
  }
};

}  // namespace stuffwatch::detectors
