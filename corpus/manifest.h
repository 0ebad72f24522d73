// What counts of a corpus folder: the text file MANIFEST, a line a fact, replaced as a whole.
//
//   stuffwatch corpus 1
//   key_check 00f1e2d3c4b5a697
//   next_list 4
//   segment 000002.bcs 1048576 8899aabbccddeeff     name, bytes, checksum of its header
//   forgotten 0123456789abcdef                      an account that is in no list, whatever the segments say
//   xxh3 0011223344556677                           of all bytes before this line
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace stuffwatch::corpus {

struct Manifest {
  static constexpr std::string_view kFileName = "MANIFEST";
  struct Entry {
    std::string file;
    std::uint64_t bytes = 0, header_xxh3 = 0;
    bool operator==(const Entry&) const = default;
  };
  std::uint64_t key_check = 0;
  std::uint32_t next_list = 1;
  std::vector<Entry> segments;
  std::vector<std::uint64_t> forgotten;  // sorted

  bool operator==(const Manifest&) const = default;
  // 000001.bcs: names that this corpus gives.
  [[nodiscard]] static bool is_segment_name(std::string_view name);
  [[nodiscard]] std::string text() const;
  // Errors: kFailed with the line that is wrong.
  [[nodiscard]] static config::Result<Manifest> parse(std::string_view text,
                                                      const std::filesystem::path& file);
  // Errors: kConfiguration when there is none; another text when segments stand there without one.
  [[nodiscard]] static config::Result<Manifest> read(const std::filesystem::path& folder);
};

}  // namespace stuffwatch::corpus
