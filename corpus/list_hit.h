// What the detectors see of the breach corpus: which lists hold the account of a login attempt. Plain structs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stuffwatch::corpus {

struct ListHit {
  std::uint32_t list;      // index into ListDirectory::lists; never stored across reloads
  std::uint32_t flags;     // reserved: loose match, virtual list
  std::uint64_t position;  // 1-based line number in that list; 0 = the list has no order
};

// What the index of a hit stands for. Orderings of one list have one key and one name: in shares they count once.
struct ListName {
  std::uint64_t key = 0;  // of the name: the same in every run
  std::string name;
  std::optional<double> base_rate;  // share of the site's own accounts, where it is known
};

// One state of the corpus, as alerts name it.
struct ListDirectory {
  std::vector<ListName> lists;
  std::string digest;          // empty = there is no corpus
  std::string state = "none";  // "none", "ok", "unavailable"
};

}  // namespace stuffwatch::corpus
