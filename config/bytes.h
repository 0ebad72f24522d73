// A size in bytes that is written with its unit: 512B, 256KiB, 12GiB.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::config {

struct Bytes {
  std::uint64_t count = 0;

  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
};

[[nodiscard]] constexpr Bytes kibibytes(std::uint64_t n) { return {n << 10U}; }
[[nodiscard]] constexpr Bytes mebibytes(std::uint64_t n) { return {n << 20U}; }
[[nodiscard]] constexpr Bytes gibibytes(std::uint64_t n) { return {n << 30U}; }

// A whole number directly followed by B, KiB, MiB, GiB or TiB; a bare 0 is allowed. Errors:
// kConfiguration, without position.
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);

// The largest unit that divides the size: 262144 -> "256KiB". parse_bytes(format_bytes(x)) == x.
[[nodiscard]] std::string format_bytes(Bytes size);

}  // namespace stuffwatch::config
