// A file that a command writes: it appears under its name when it is whole, or not at all.
//
// A regular file is written beside its place and renamed over what stands there, whose mode it takes; a symbolic link stays, and what it leads to is
// replaced. Whatever else has the name (a device, a pipe, what standard output goes to) is written straight through. "-" is standard output. Nothing is
// synced: what must survive a crash of the machine is written by config/durable_file.h.
// Threads: one. Memory: a buffer of the C library.
// Errors:  kFailed with the name and the system's reason. The first failed write is kept for finish(); what follows it goes nowhere.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/result.h"

namespace stuffwatch::config {

class OutputFile {
 public:
  OutputFile() = default;  // no file: what is written goes nowhere
  [[nodiscard]] static Result<OutputFile> open(const std::filesystem::path& path);

  void write(std::string_view text);
  // Puts the file in its place. Without it, nothing of the file remains.
  [[nodiscard]] Result<void> finish();

  explicit operator bool() const { return file_ != nullptr; }
  [[nodiscard]] bool is_standard_output() const { return file_.get() == stdout; }
  [[nodiscard]] bool failed() const { return error_ != 0; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // written so far

 private:
  struct Close {
    int operator()(std::FILE* file) const { return file == stdout ? 0 : std::fclose(file); }
  };
  struct Remove {
    void operator()(const std::filesystem::path* file) const;
  };

  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<const std::filesystem::path, Remove> partial_;  // none: straight through
  std::filesystem::path name_, place_;
  std::uint64_t bytes_ = 0;
  int error_ = 0;
};

// What a name leads to: equal for all names of one file, hard links and symbolic ones, and for a file that is not there yet.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  std::string absent;  // not there yet: its name in the folder that device and inode are of

  auto operator<=>(const FileIdentity&) const = default;
};
// None for what cannot be overwritten: devices, sockets, folders, a file in a folder that is not there. "-" is `standard`, a descriptor.
[[nodiscard]] std::optional<FileIdentity> identity_of(const std::filesystem::path& path,
                                                      int standard);

}  // namespace stuffwatch::config
