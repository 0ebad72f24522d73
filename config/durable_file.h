// Files that are either whole or not there: what the outbox, cursors and the ledger are written with.
// Errors: kFailed, naming the path and what the system said; nothing here throws but std::bad_alloc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "config/result.h"

namespace stuffwatch::config {

// Owns a descriptor; -1 is none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  void reset();
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

[[nodiscard]] std::string system_reason(int error);  // strerror, thread-safe

[[nodiscard]] Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags,
                                               mode_t mode = 0600);
// All bytes or an error; a short write is gone on with.
[[nodiscard]] Result<void> write_all(const FileDescriptor& file, std::string_view bytes,
                                     const std::filesystem::path& path);
// Bytes [offset, offset + size) of the file; fewer when it ends before.
[[nodiscard]] Result<std::string> read_range(const FileDescriptor& file, std::uint64_t offset,
                                             std::uint64_t size, const std::filesystem::path& path);
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
[[nodiscard]] Result<void> make_folder(const std::filesystem::path& folder);  // 0700, parents too
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder);
// A file that is being written beside `path`, as `path` + kSuffix. publish() puts it in its place: after a crash the old or the
// new file is there, whole. A draft that is not published is removed.
class DraftFile {
 public:
  static constexpr std::string_view kSuffix = ".new";

  [[nodiscard]] static Result<DraftFile> open(std::filesystem::path path);
  DraftFile(DraftFile&&) = default;
  ~DraftFile();

  [[nodiscard]] Result<void> write(std::string_view bytes) {
    return write_all(file_, bytes, draft_);
  }
  // Syncs it, renames it over `path`, syncs the folder.
  [[nodiscard]] Result<void> publish();

 private:
  DraftFile(FileDescriptor file, std::filesystem::path path, std::filesystem::path draft)
      : file_(std::move(file)), path_(std::move(path)), draft_(std::move(draft)) {}

  FileDescriptor file_;  // none: published, or moved from
  std::filesystem::path path_, draft_;
};

[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path,
                                        std::string_view contents);

}  // namespace stuffwatch::config
