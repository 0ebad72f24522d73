#include "config/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace stuffwatch::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() { return std::strerror(errno); }

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return misconfigured("{}: cannot be opened: {}", path, reason());
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0)
    return misconfigured("{}: cannot be read: {}", path, reason());
  if (S_ISDIR(status.st_mode)) return misconfigured("{}: is a folder; name a file in it", path);
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
    return misconfigured("{}: is not a regular file", path);
  std::string text;
  std::string block(std::size_t{16} << 10U, '\0');
  while (true) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return misconfigured("{}: cannot be read: {}", path, reason());
    if (count == 0) return text;
    text.append(block, 0, static_cast<std::size_t>(count));
    if (text.size() > max_bytes)
      return misconfigured("{}: larger than the {} bytes allowed here; is it the right file?", path,
                           max_bytes);
  }
}

Result<std::string> read_secret_file(const std::string& path) {
  Result<std::string> text = read_text_file(path, kMaxSecretBytes);
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->empty()) return misconfigured("{}: is empty; it must hold the secret", path);
  return text;
}

}  // namespace stuffwatch::config
