// What a file is packed with, by its first bytes. Text unless they can be nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stuffwatch::corpus {

enum class Packing : std::uint8_t {
  kText,
  kGzip,
  kZstd,
  kXz,
  kBzip2,
  kTar,
  kZip,
  kSevenZip,
  kForeign,  // rar, lz4, UTF-16 and others that are known and not read; see foreign_name()
};

inline constexpr std::size_t kPackingBytes = 512;  // what packing_of() wants to see of a file

// A tar has no magic number that every one carries: its first header must have the right checksum.
[[nodiscard]] Packing packing_of(std::string_view start);
[[nodiscard]] std::string_view name_of(Packing packing);
[[nodiscard]] std::string_view foreign_name(std::string_view start);

}  // namespace stuffwatch::corpus
