// A file mapped for reading that may be cut short or fail under whoever reads it.
//
// Reading a page that is no longer there is SIGBUS, which would end the process. A handler puts a page of zeros in its place and marks the mapping: what was
// read since is worth nothing, and intact() says so. SIGBUS anywhere else does what it did before.
// Threads: any. Memory: pages of the file, the system's to take back. Errors: kFailed, naming the file; more than kMost mappings at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "config/durable_file.h"
#include "config/result.h"

namespace stuffwatch::corpus {

class MappedFile {
 public:
  static constexpr std::size_t kMost = 4096;

  // The first `size` bytes, more than none.
  [[nodiscard]] static config::Result<MappedFile> open(const config::FileDescriptor& file,
                                                       std::uint64_t size,
                                                       const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept : slot_(std::exchange(other.slot_, kMost)) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] const char* data() const;
  // Everything read so far was the file's own.
  [[nodiscard]] bool intact() const;

 private:
  explicit MappedFile(std::size_t slot) : slot_(slot) {}
  std::size_t slot_;  // in the handler's table; kMost = none
};

}  // namespace stuffwatch::corpus
