// Account names of the simulated people: every person has one, no two have the same, all of them
// under .example and .test.
//
// Threads: const members may be called from any. Memory: none for the people; a name is computed
// from the person's number.
#pragma once

#include <cstdint>
#include <string>

#include "ingest/simulation/prng.h"

namespace stuffwatch::ingest::simulation {

using PersonId = std::uint32_t;

class Names {
 public:
  static constexpr std::uint32_t kMostPeople = 12'288'000;  // as many different names there are

  explicit Names(std::uint64_t seed) : seed_(seed), order_(kMostPeople, mix(seed, 0x6e616d65)) {}

  // person < kMostPeople. Never a quote or a backslash: the text can stand in JSON as it is.
  void append(std::string& out, PersonId person) const;
  // The same with two neighbouring letters swapped, in the name or in the domain; nobody has such a
  // name.
  void append_misspelt(std::string& out, PersonId person, std::uint32_t variant) const;

 private:
  std::uint64_t seed_;
  Permutation order_;
};

}  // namespace stuffwatch::ingest::simulation
