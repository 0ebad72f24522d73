#include "config/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace stuffwatch::config {

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string system_reason(int error) { return std::generic_category().message(error); }

Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return failed("cannot open {}: {}", path.native(), system_reason(errno));
  return FileDescriptor(fd);
}

Result<void> write_all(const FileDescriptor& file, std::string_view bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write to {}: {}", path.native(), system_reason(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_range(const FileDescriptor& file, std::uint64_t offset, std::uint64_t size,
                               const std::filesystem::path& path) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + have, bytes.size() - have,
                                static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read {}: {}", path.native(), system_reason(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  struct stat status{};
  if (::fstat(file->get(), &status) != 0)
    return failed("cannot read {}: {}", path.native(), system_reason(errno));
  return read_range(*file, 0, static_cast<std::uint64_t>(status.st_size), path);
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  if (!folder.has_filename() && folder.has_parent_path())
    return make_folder(folder.parent_path());  // "state/": its parent is itself
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("cannot make the folder {}: {}", folder.native(), system_reason(errno));
  if (!std::filesystem::is_directory(folder, error))
    return failed("{} is in the way: it is not a folder", folder.native());
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  auto file =
      open_file(folder.empty() ? std::filesystem::path(".") : folder, O_RDONLY | O_DIRECTORY);
  if (!file) return std::unexpected(file.error());
  if (::fsync(file->get()) != 0)
    return failed("cannot sync {}: {}", folder.native(), system_reason(errno));
  return {};
}

Result<DraftFile> DraftFile::open(std::filesystem::path path) {
  std::filesystem::path draft = path;
  draft += kSuffix;
  auto file = open_file(draft, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return std::unexpected(file.error());
  return DraftFile(std::move(*file), std::move(path), std::move(draft));
}

DraftFile::~DraftFile() {
  if (file_) ::unlink(draft_.c_str());
}

Result<void> DraftFile::publish() {
  if (::fsync(file_.get()) != 0)
    return failed("cannot sync {}: {}", draft_.native(), system_reason(errno));
  if (::rename(draft_.c_str(), path_.c_str()) != 0)
    return failed("cannot rename {} to {}: {}", draft_.native(), path_.native(),
                  system_reason(errno));
  file_.reset();
  return sync_folder(path_.parent_path());
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view contents) {
  auto draft = DraftFile::open(path);
  if (!draft) return std::unexpected(draft.error());
  if (auto written = draft->write(contents); !written) return written;
  return draft->publish();
}

}  // namespace stuffwatch::config
