// Source over files, folders and standard input: one line is one record. Plain, gzip, zstd, xz or
// bzip2, told by content, never by name.
//
// Time:    offsets are byte offsets of lines in the decompressed text; nothing reads a clock or a
//          modification time.
// Threads: see Source. Only a compressed pipe may block, while its writer is inside a block.
// Memory:  the first 4 KiB of each file, one chunk an input (1 MiB; less when there are more than 64 files) and the decompressor.
// Errors:  open_files: a path that is absent, unreadable or given twice, a folder without files.
//          Later, as kFinished with the text in status(): a damaged or cut compressed file, after
//          its whole lines were delivered; a zip, tar or UTF-16 file, with what to do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/result.h"
#include "ingest/source.h"

namespace stuffwatch::ingest {

// The files that `paths` stand for, in the order in which they become inputs: as given, a folder by
// its regular files below it (hidden ones and symbolic links left out), sorted by path. "-" is
// standard input.
[[nodiscard]] config::Result<std::vector<std::string>> expand_paths(
    const std::vector<std::string>& paths);

// Partition n of input `declared` is the n-th of expand_paths(paths). A path given outright may
// also be a pipe or a device.
//
// `rest`: what becomes of a last line without an end, in a plain file that is opened here. Anywhere
// else it is a record: nobody writes on in what is compressed, and a pipe is at its end for good.
//
// An input is called by its path; with `name`, which goes with a single path, by that: `name` for a
// file, `name`/what stands below it for each of a folder.
enum class Rest : std::uint8_t {
  kWaits,  // its writer is in the middle of it: whoever reads on from next_offset gets it whole
  kRecord,
};
[[nodiscard]] config::Result<std::unique_ptr<Source>> open_files(
    std::uint32_t declared, const std::vector<std::string>& paths, const std::string& name = {},
    Rest rest = Rest::kWaits);

}  // namespace stuffwatch::ingest
