// The one error type of the project: what went wrong, and whether the person who wrote the
// configuration can mend it. Cost:   the message is built only when something failed; the hot path
// returns counted drop reasons, not Errors. Errors: main prints the message and exits 2 for
// kConfiguration, 1 for kFailed.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

namespace stuffwatch::config {

struct Error {
  enum class Kind {
    kFailed,         // the world did not play along: a file, a network, a full disk
    kConfiguration,  // a setting or the usage is wrong; the message says where and what to write
                     // instead
  };
  Kind kind = Kind::kFailed;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

// return failed("cannot open {}: {}", path, reason);
template <class... Args>
[[nodiscard]] std::unexpected<Error> failed(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(
      Error{Error::Kind::kFailed, fmt::format(format, std::forward<Args>(args)...)});
}

// return misconfigured("{}: {} is not a port", key, value);
template <class... Args>
[[nodiscard]] std::unexpected<Error> misconfigured(fmt::format_string<Args...> format,
                                                   Args&&... args) {
  return std::unexpected(
      Error{Error::Kind::kConfiguration, fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace stuffwatch::config
