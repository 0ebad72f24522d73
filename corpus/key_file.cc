// The key file of AccountHasher: 64 hex digits, readable by its owner only.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sodium.h>

#include "corpus/account_key.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kHexDigits = AccountHasher::kKeyBytes * 2;
using Master = std::array<unsigned char, AccountHasher::kKeyBytes>;

class File {  // a descriptor that closes itself
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

// systemd hands credentials over with an access list, whose mask looks like group rights. Their
// folder is private to the unit.
bool is_systemd_credential(const std::filesystem::path& file) {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && *folder != '\0' &&
         file.parent_path() == std::filesystem::path(folder);
}

config::Result<void> check_rights(int descriptor, const std::filesystem::path& file) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0)
    return config::failed("key file {}: {}", file.string(), std::strerror(errno));
  if (!S_ISREG(status.st_mode)) {
    return config::misconfigured("key file {} is not a regular file; name a file of {} hex digits",
                                 file.string(), kHexDigits);
  }
  const auto others =
      status.st_mode &
      static_cast<mode_t>(is_systemd_credential(file) ? S_IRWXO : S_IRWXG | S_IRWXO);
  if (others == 0) return {};
  return config::misconfigured(
      "key file {} can be used by others (mode {:04o}); run: chmod 0400 {}", file.string(),
      status.st_mode & 07777U, file.string());
}

// The digits are wiped from the stack buffer by the caller's Master and here; nothing of them
// reaches an error message.
config::Result<Master> read_master(const std::filesystem::path& file) {
  const File input(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.open()) {
    return config::misconfigured(
        "key file {}: {}; name the key that account names were hashed with so far, or make one: "
        "openssl rand -hex 32 > {} && chmod 0400 {}",
        file.string(), std::strerror(errno), file.string(), file.string());
  }
  if (const auto rights = check_rights(input.get(), file); !rights)
    return std::unexpected(rights.error());
  char text[kHexDigits +
            3];  // the digits, a line end, and one byte more to notice what does not belong
  std::size_t size = 0;
  for (ssize_t got;
       size < sizeof text && (got = ::read(input.get(), text + size, sizeof text - size)) > 0;)
    size += static_cast<std::size_t>(got);
  while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) --size;
  Master master;
  std::size_t bytes = 0;
  const char* end = nullptr;
  const bool hex =
      size == kHexDigits &&
      sodium_hex2bin(master.data(), master.size(), text, size, nullptr, &bytes, &end) == 0 &&
      bytes == master.size();
  sodium_memzero(text, sizeof text);
  if (hex) return master;
  return config::misconfigured(
      "key file {} must hold exactly {} hex digits; restore it from your backup, or, if nothing "
      "was stored under it yet, make a new one: openssl rand -hex 32 > {}",
      file.string(), kHexDigits, file.string());
}

config::Result<void> write_durably(int descriptor, const std::filesystem::path& file) {
  unsigned char master[AccountHasher::kKeyBytes];
  char text[kHexDigits + 1];
  randombytes_buf(master, sizeof master);
  sodium_bin2hex(text, sizeof text, master, sizeof master);
  text[kHexDigits] = '\n';
  const bool written =
      ::write(descriptor, text, sizeof text) == static_cast<ssize_t>(sizeof text) &&
      ::fsync(descriptor) == 0;
  sodium_memzero(master, sizeof master);
  sodium_memzero(text, sizeof text);
  if (written) return {};
  return config::failed("key file {}: {}", file.string(), std::strerror(errno));
}

// Written beside its place and then linked there: a crash leaves no half key, and of two starters
// one wins.
config::Result<void> create(const std::filesystem::path& file) {
  const std::string draft = fmt::format("{}.new-{:08x}", file.string(), randombytes_random());
  const File output(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR));
  if (!output.open()) {
    return config::failed(
        "key file {} cannot be made: {}; create its folder and let this user write there",
        file.string(), std::strerror(errno));
  }
  auto done = write_durably(output.get(), file);
  if (done && ::link(draft.c_str(), file.c_str()) != 0 && errno != EEXIST) {
    done = config::failed("key file {} cannot be made: {}", file.string(), std::strerror(errno));
  }
  ::unlink(draft.c_str());
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (done && directory.open()) ::fsync(directory.get());
  return done;
}

}  // namespace

config::Result<AccountHasher> AccountHasher::from_file(const std::filesystem::path& file) {
  if (sodium_init() < 0) return config::failed("libsodium cannot be initialised");
  auto master = read_master(file);
  if (!master) return std::unexpected(master.error());
  AccountHasher hasher(*master, false);
  sodium_memzero(master->data(), master->size());
  return hasher;
}

config::Result<AccountHasher> AccountHasher::from_file_or_create(
    const std::filesystem::path& file) {
  if (sodium_init() < 0) return config::failed("libsodium cannot be initialised");
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    if (const auto made = create(file); !made) return std::unexpected(made.error());
  }
  return from_file(file);
}

}  // namespace stuffwatch::corpus
