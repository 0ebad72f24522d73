#include "corpus/raw_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <openssl/evp.h>

#include <fmt/format.h>

namespace stuffwatch::corpus {

void Sha256::Freed::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    throw std::bad_alloc();
}

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Sha256::Digest Sha256::finish() {
  Digest digest{};
  EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
  return digest;
}

std::string hex(const Sha256::Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

config::Result<RawFile> RawFile::open(const std::string& path, Sha256& hash) {
  const bool standard_input = path == "-";
  const int fd =
      standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return config::failed("{}: cannot be opened: {}", path, std::strerror(errno));
  RawFile file(fd, !standard_input, hash);
  struct stat status{};
  if (::fstat(fd, &status) != 0)
    return config::failed("{}: cannot be read: {}", path, std::strerror(errno));
  // Standard input may be a file that somebody has read a part of.
  file.regular_ = S_ISREG(status.st_mode) && !standard_input;
  if (file.regular_) file.size_ = static_cast<std::uint64_t>(status.st_size);
  if (file.regular_) ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return file;
}

RawFile::RawFile(RawFile&& other) noexcept
    : fd_(other.fd_),
      owned_(std::exchange(other.owned_, false)),
      regular_(other.regular_),
      hash_(other.hash_),
      problem_(std::move(other.problem_)),
      size_(other.size_),
      position_(other.position_),
      hashed_(other.hashed_),
      zeros_(other.zeros_),
      block_(std::move(other.block_)),
      begin_(other.begin_),
      end_(other.end_) {}

RawFile::~RawFile() {
  if (owned_) ::close(fd_);
}

void RawFile::hash(std::string_view bytes) {
  hash_->update(bytes);
  hashed_ += bytes.size();
  const std::size_t last = bytes.find_last_not_of('\0');
  zeros_ = last == std::string_view::npos ? zeros_ + bytes.size() : bytes.size() - 1 - last;
}

// More bytes behind those that were not handed out. False at the end.
bool RawFile::fill() {
  if (!problem_.empty()) return false;
  block_.resize(kBlock);
  if (begin_ > 0) {
    std::copy(block_.begin() + static_cast<std::ptrdiff_t>(begin_),
              block_.begin() + static_cast<std::ptrdiff_t>(end_), block_.begin());
    end_ -= std::exchange(begin_, 0);
  }
  char* const to = block_.data() + end_;
  ssize_t count = 0;
  do {
    count = regular_ ? ::pread(fd_, to, kBlock - end_, static_cast<off_t>(position_))
                     : ::read(fd_, to, kBlock - end_);
  } while (count < 0 && errno == EINTR);
  if (count < 0) problem_ = std::strerror(errno);
  if (count <= 0) return false;
  const auto got = static_cast<std::size_t>(count);
  if (position_ <= hashed_ && position_ + got > hashed_) {
    const std::size_t known = hashed_ - position_;
    hash({to + known, got - known});
  }
  position_ += got;
  end_ += got;
  return true;
}

std::string_view RawFile::peek(std::size_t bytes) {
  while (end_ - begin_ < std::min(bytes, kBlock) && fill()) {}
  return {block_.data() + begin_, end_ - begin_};
}

std::string_view RawFile::read() {
  if (begin_ == end_) fill();
  const std::size_t from = std::exchange(begin_, end_);
  return {block_.data() + from, end_ - from};
}

void RawFile::seek(std::uint64_t position) {
  begin_ = end_ = 0;
  position_ = position;
}

void RawFile::drain() {
  if (regular_) seek(hashed_);
  while (!read().empty()) {}
}

}  // namespace stuffwatch::corpus
