#include "config/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace stuffwatch::config {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> cannot_write(const fs::path& path, int error) {
  return config::failed("cannot write {}: {}", path.native(),
                        std::generic_category().message(error));
}

bool is_where_standard_output_goes(const struct stat& there) {
  struct stat out = {};
  return ::fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == there.st_dev &&
         out.st_ino == there.st_ino;
}

// Where a chain of symbolic links leads, also when nothing stands there. Not for one that goes in circles.
fs::path behind_links(fs::path path) {
  std::error_code error;
  while (fs::is_symlink(fs::symlink_status(path, error)))
    path = path.parent_path() / fs::read_symlink(path, error);
  return path;
}

// A name that nobody else writes to, and that no leftover of a killed process has.
fs::path partial_of(fs::path place) {
  return place.concat(fmt::format(".{:08x}.partial", std::random_device{}()));
}

}  // namespace

void OutputFile::Remove::operator()(const fs::path* file) const {
  ::unlink(file->c_str());
  delete file;
}

Result<OutputFile> OutputFile::open(const fs::path& path) {
  OutputFile out;
  out.name_ = path;
  struct stat there = {};
  const bool exists = path != "-" && ::stat(path.c_str(), &there) == 0;
  if (path == "-" || (exists && is_where_standard_output_goes(there))) {
    out.file_.reset(stdout);
    return out;
  }
  if (exists && !S_ISREG(there.st_mode)) {
    out.file_.reset(std::fopen(path.c_str(), "we"));
    if (!out) return cannot_write(path, errno);
    return out;
  }
  if (!exists && errno != ENOENT) return cannot_write(path, errno);
  out.place_ = behind_links(path);
  const fs::path partial = partial_of(out.place_);
  out.file_.reset(std::fopen(partial.c_str(), "wxe"));
  if (!out) return cannot_write(partial, errno);
  out.partial_.reset(new fs::path(partial));
  if (exists && ::fchmod(::fileno(out.file_.get()), there.st_mode & 07777) != 0)
    return cannot_write(partial, errno);
  return out;
}

void OutputFile::write(std::string_view text) {
  if (file_ == nullptr || failed()) return;
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) error_ = errno;
  bytes_ += text.size();
}

Result<void> OutputFile::finish() {
  if (file_ == nullptr) return {};
  const bool closed = std::fflush(file_.get()) == 0 && Close{}(file_.release()) == 0;
  if (!closed && !failed()) error_ = errno;
  file_.reset();
  if (!failed() && partial_ && ::rename(partial_->c_str(), place_.c_str()) != 0) error_ = errno;
  partial_.reset();
  if (failed()) return cannot_write(name_, error_);
  return {};
}

std::optional<FileIdentity> identity_of(const fs::path& path, int standard) {
  struct stat there = {};
  if ((path == "-" ? ::fstat(standard, &there) : ::stat(path.c_str(), &there)) == 0) {
    if (!S_ISREG(there.st_mode) && !S_ISFIFO(there.st_mode)) return {};
    return FileIdentity{there.st_dev, there.st_ino, {}};
  }
  if (errno != ENOENT) return {};
  const fs::path place = behind_links(path);
  const fs::path folder = place.has_parent_path() ? place.parent_path() : fs::path(".");
  if (::stat(folder.c_str(), &there) != 0) return {};
  return FileIdentity{there.st_dev, there.st_ino, place.filename().native()};
}

}  // namespace stuffwatch::config
