// The texts in one file: the file itself, what it is when decompressed, or each regular file of the archive
// that it is (or holds), in the archive's order.
//
// gzip, zstd, xz and bzip2, also around a tar; tar, zip and 7z. Decided by the first bytes, never by the
// name; what is no such thing is text. An archive or a compressed file inside one is an error, as text it
// would be rejected line by line. zip and 7z have their table of contents at the end and need a file.
//
// Threads: one at a time.
// Memory:  256 KiB; libarchive's 64 to 128 KiB; and what was asked for when packing: up to 128 MiB for zstd,
//          1 GiB for xz (8 MiB as a rule), the dictionary for 7z.
// Cost:    of plain text, one copy beside the hash.
// Errors:  kFailed, naming file and member, where it happened and what to do. The end of a text is reported only
//          when everything that guards it (checksums, lengths, end marks) was verified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/result.h"
#include "corpus/gunzip.h"
#include "corpus/packing.h"
#include "corpus/raw_file.h"

struct archive;

namespace stuffwatch::corpus {

class PackedFile {
 public:
  // Reads the first block. `hash` outlives the file.
  [[nodiscard]] static config::Result<std::unique_ptr<PackedFile>> open(const std::string& path,
                                                                        Sha256& hash);
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;
  ~PackedFile() = default;

  // On to the next text, whether the last was read to its end or not. False when there is none; the whole
  // file has then been hashed.
  [[nodiscard]] config::Result<bool> next_text();
  // Some bytes of the text, at most `room` (512 or more at its start); 0 at the end.
  [[nodiscard]] config::Result<std::size_t> read(char* out, std::size_t room);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& member() const {
    return member_;
  }  // empty when there is only one text
  [[nodiscard]] std::uint64_t bytes_read() const { return file_.hashed(); }

 private:
  struct Freed {
    void operator()(struct archive* reader) const;
  };
  struct Callbacks;  // what libarchive calls

  PackedFile(std::string name, RawFile file) : name_(std::move(name)), file_(std::move(file)) {}
  [[nodiscard]] config::Result<void> start();
  [[nodiscard]] config::Result<void> open_archive();
  [[nodiscard]] config::Result<bool> next_entry();
  [[nodiscard]] config::Result<bool> finish();
  [[nodiscard]] config::Result<std::size_t> read_archive(char* out, std::size_t room);
  [[nodiscard]] config::Result<std::size_t> read_plain(char* out, std::size_t room);
  [[nodiscard]] std::string_view next_block();
  [[nodiscard]] std::unexpected<config::Error> damaged(std::string_view why) const;
  [[nodiscard]] std::unexpected<config::Error> damaged() const;
  [[nodiscard]] std::string where() const;  // file and member, for messages

  const std::string name_;
  std::string member_;
  RawFile file_;
  Packing packing_ = Packing::kText;
  std::unique_ptr<Gunzip> gunzip_;
  std::unique_ptr<struct archive, Freed> archive_;
  std::string_view block_;  // of the file as it is, what was not handed out
  std::uint64_t entries_ = 0;
  bool plain_given_ = false;  // a file that is no archive is one text
  bool at_start_ = true;      // of a text
};

}  // namespace stuffwatch::corpus
