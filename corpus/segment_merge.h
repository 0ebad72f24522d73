// Several segments as one, read once from front to back: nothing is hashed or sorted again, and no key is needed.
//
// Every list keeps its id, its lines and what is known of it. Of the hash as many bits are kept as all of the segments know.
// Threads: one. Memory: a few buffers. Cost: some 15 ns an entry. Errors: kFailed, naming the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

#include "config/result.h"
#include "corpus/segment.h"

namespace stuffwatch::corpus {

enum class Merged : std::uint8_t {
  kWritten,
  kEmpty,
  kStopped
};  // kEmpty: no list is left, no file

// `forgotten`: hashes, sorted. `without`: the name of a list that is left out; empty = none. `on_progress`: the share that is done; false stops.
[[nodiscard]] config::Result<Merged> merge_segments(std::span<const Segment> segments,
                                                    std::span<const std::uint64_t> forgotten,
                                                    std::string_view without,
                                                    const std::filesystem::path& file,
                                                    std::uint64_t key_check,
                                                    const std::function<bool(double)>& on_progress);

}  // namespace stuffwatch::corpus
