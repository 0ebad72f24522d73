// One breach list that holds the account of a login attempt. A plain struct: the detectors see the corpus only through it.
#pragma once

#include <cstdint>

namespace stuffwatch::corpus {

struct ListHit {
  std::uint32_t list;   // index into the corpus manifest of this run; never stored across reloads
  std::uint32_t flags;  // reserved: loose match, virtual list
  std::uint64_t position;  // 1-based line number in that list
};

}  // namespace stuffwatch::corpus
