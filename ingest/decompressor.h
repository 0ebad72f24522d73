// Undoes gzip, zstd, xz and bzip2 as a stream, and hands out every byte that stands before the
// damage when a file is damaged or cut short.
//
// The libraries are used directly: libarchive's filters hand out blocks of 64 to 128 KiB and lose
// the last one when the input ends early. Checksums are verified (zstd files may have none).
// Concatenated members are one stream; what follows a gzip member and is none is ignored and counted, zeros
// (padding of tapes and block devices) silently, as gzip(1) does.
//
// Threads: one at a time.
// Memory:  what the format asks for, at most memory_limit(): 256 MiB (xz), 128 MiB (zstd).
// Errors:  Status::kDamaged, kTooBig; never throws but bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace stuffwatch::ingest {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd, kXz, kBzip2 };
[[nodiscard]] std::string_view name_of(Compression compression);

// What a run() may read and write; it moves both on.
struct Flow {
  const char* in = nullptr;
  std::size_t in_size = 0;
  char* out = nullptr;
  std::size_t out_size = 0;
};

class Decompressor {
 public:
  enum class Status : std::uint8_t {
    kMore,     // wants more input or more room
    kEnd,      // a whole member ended; more may follow
    kDamaged,  // `out` holds all that could be saved
    kTooBig,   // wants more memory than memory_limit(); see needs()
  };
  virtual ~Decompressor() = default;
  // `last`: no input will follow what `flow` holds.
  [[nodiscard]] virtual Status run(Flow& flow, bool last) = 0;
  // Bytes of memory, after kTooBig.
  [[nodiscard]] virtual std::uint64_t needs() const { return 0; }
  // Bytes behind the last member that belong to none.
  [[nodiscard]] virtual std::uint64_t ignored() const { return 0; }
};

[[nodiscard]] std::uint64_t memory_limit(Compression compression);

// `compression` is not kNone. Null when the library has no memory.
[[nodiscard]] std::unique_ptr<Decompressor> make_decompressor(Compression compression);

}  // namespace stuffwatch::ingest
