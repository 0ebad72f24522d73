// Small text files as strings: configurations and secrets.
// Errors: kConfiguration, naming the path and the remedy; a path that is no regular file or pipe is
// refused.
#pragma once

#include <cstddef>
#include <string>

#include "config/result.h"

namespace stuffwatch::config {

inline constexpr std::size_t kMaxSecretBytes = std::size_t{64} << 10U;

[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes);

// The file's text without its trailing line ends; an empty secret is an error.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& path);

}  // namespace stuffwatch::config
