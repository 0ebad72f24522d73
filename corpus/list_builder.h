// From a breach list to a segment of its own: lines are parsed and hashed side by side, spilled by hash, sorted a part at a time and written.
//
// The bytes of the segment follow from the list, the key and the options that describe the list; not from threads or memory.
// Threads: the caller's and `threads` more while build() runs. Memory: about `memory`. Disk: Spill::kBytesAnAccount a line and the segment.
// Cost: about 200 ns a line in all. Errors: those of ListInput and of writing; nothing is left then, nor after a stop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "config/result.h"
#include "corpus/account_key.h"
#include "corpus/line_hashing.h"
#include "corpus/list_format.h"
#include "corpus/list_input.h"
#include "corpus/segment_writer.h"

namespace stuffwatch::corpus {

struct BuildOptions {
  ListInfo list;                     // name, id, date, flags, ordering_of; the rest is found out
  std::optional<ListFormat> format;  // nothing: guessed for every text
  std::uint64_t memory = std::uint64_t{256} << 20;
  unsigned threads = 2;
};

using BuildProgress = ListProgress;
using OnBuildProgress = OnListProgress;

struct Built {
  ListInfo list;
  std::string format;  // of the first text
  bool stopped = false;
};

// `accept` sees the list when it has been read and before anything is written: an error of it ends the build.
[[nodiscard]] config::Result<Built> build_list(
    ListInput& input, const AccountHasher& hasher, const BuildOptions& options,
    const std::filesystem::path& segment, const OnBuildProgress& on_progress,
    const std::function<config::Result<void>(const ListInfo&)>& accept);

}  // namespace stuffwatch::corpus
