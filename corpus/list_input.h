// Breach lists as chunks of whole lines: files, folders (every file below, in byte order of their paths) and
// "-" for standard input, packed or not (corpus/packed_file.h).
//
// Line numbers run through all inputs in the order given, from 0, and count every physical line. A text
// that does not end with a line end ends its last line all the same. A line longer than a chunk is handed
// out cut to kCutLine bytes, which every ListFormat rejects as too long.
//
// Threads: one at a time; what name() and the others give belongs to the thread that calls next().
// Memory:  1 MiB a chunk, the caller's; here the beginning of one line, less than 1 MiB; the paths of all
//          files; and what PackedFile says.
// Cost:    about 1.4 ns a byte of plain text, 0.6 of them SHA-256.
// Errors:  kConfiguration for inputs that cannot be what was meant, kFailed for what happens while reading,
//          with file, member, byte and line reached. After an error there is nothing more to be had.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "corpus/list_format.h"
#include "corpus/packed_file.h"

namespace stuffwatch::corpus {

struct LineChunk {
  std::string bytes;             // whole lines, each with its '\n'; the capacity is reused
  std::uint64_t first_line = 0;  // 0-based, over all inputs
  std::uint32_t lines = 0;
  std::uint32_t text = 0;  // file or member, counted: each may have its own format
};

class ListInput {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
  static constexpr std::size_t kCutLine = ListFormat::kMaxLineBytes + 1;

  // Errors: no input, one that is absent or cannot be read, a folder without files, "-" twice.
  [[nodiscard]] static config::Result<std::unique_ptr<ListInput>> open(
      std::vector<std::string> inputs);
  ListInput(const ListInput&) = delete;
  ListInput& operator=(const ListInput&) = delete;
  ~ListInput() = default;

  // False at the end of all inputs. A chunk is of one text, and never empty. An input without a line is an error.
  [[nodiscard]] config::Result<bool> next(LineChunk& out);

  // The file, and the member of the archive that it is, of the last chunk; empty when there is none.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& member() const { return member_; }

  // Of the inputs as they are, before decompression. The total is of regular files: with a pipe there is none.
  [[nodiscard]] std::uint64_t bytes_read() const;
  [[nodiscard]] std::optional<std::uint64_t> bytes_total() const { return bytes_total_; }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  // SHA-256 of all bytes of all inputs, one after the other; once next() gave false.
  [[nodiscard]] const std::optional<Sha256::Digest>& sha256() const { return digest_; }

 private:
  struct File {
    std::string path;
    std::size_t input;  // which of the inputs it is, or is below
  };
  ListInput() = default;
  [[nodiscard]] config::Result<void> add(const std::string& input, std::size_t number);
  [[nodiscard]] config::Result<void> add_folder(const std::string& folder, std::size_t number);
  [[nodiscard]] config::Result<void> add_file(const std::string& path, std::size_t number);
  [[nodiscard]] config::Result<bool> open_text();
  [[nodiscard]] config::Result<void> close_file();
  [[nodiscard]] config::Result<void> fill(LineChunk& out);
  void cut(std::string& bytes, bool ended);
  [[nodiscard]] std::unexpected<config::Error> reached(config::Error error,
                                                       std::string_view unread) const;

  std::vector<File> files_;
  std::vector<std::string> inputs_;
  std::optional<std::uint64_t> bytes_total_ = 0;
  Sha256 hash_;
  std::optional<Sha256::Digest> digest_;
  std::unique_ptr<PackedFile> file_;
  std::string name_, member_;
  std::size_t next_file_ = 0;
  std::uint64_t bytes_before_ = 0;  // of the files that are done
  std::uint64_t lines_ = 0, lines_before_input_ = 0;
  std::uint32_t texts_ = 0;
  bool in_text_ = false, in_long_line_ = false;
  std::string rest_;  // the beginning of a line, behind the last chunk
};

}  // namespace stuffwatch::corpus
