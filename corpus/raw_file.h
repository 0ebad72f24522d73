// The bytes of one file, pipe or standard input, in order or by position, hashed on the way.
//
// The hash takes every byte once and in order, however the reader jumps: what lies beyond the furthest
// hashed byte is taken when it is passed, and drain() takes what nobody read.
//
// Threads: one at a time.
// Memory:  one block of 256 KiB.
// Errors:  read() gives nothing and problem() says why.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

struct evp_md_ctx_st;

namespace stuffwatch::corpus {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;
  Sha256();
  void update(std::string_view bytes);
  // Nothing may be added afterwards.
  [[nodiscard]] Digest finish();

 private:
  struct Freed {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Freed> context_;
};

[[nodiscard]] std::string hex(const Sha256::Digest& digest);

class RawFile {
 public:
  // "-" is standard input. `hash` outlives the file.
  [[nodiscard]] static config::Result<RawFile> open(const std::string& path, Sha256& hash);
  RawFile(RawFile&& other) noexcept;
  RawFile& operator=(RawFile&&) = delete;
  ~RawFile();

  // At least the first `bytes` that read() will give, unless there are fewer.
  [[nodiscard]] std::string_view peek(std::size_t bytes);
  // The next bytes, valid until the next call; empty at the end, and when problem() is set.
  [[nodiscard]] std::string_view read();
  // False for what has no positions. Nothing is read here.
  [[nodiscard]] bool seekable() const { return regular_; }
  void seek(std::uint64_t position);
  // Reads to the end what was never read.
  void drain();

  [[nodiscard]] std::uint64_t size() const { return size_; }  // 0 for what is no regular file
  [[nodiscard]] std::uint64_t position() const { return position_ - (end_ - begin_); }
  [[nodiscard]] std::uint64_t hashed() const { return hashed_; }
  [[nodiscard]] std::uint64_t zeros_at_end() const { return zeros_; }  // of what was hashed
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  RawFile(int fd, bool owned, Sha256& hash) : fd_(fd), owned_(owned), hash_(&hash) {}
  bool fill();
  void hash(std::string_view bytes);

  static constexpr std::size_t kBlock = std::size_t{256} << 10;
  int fd_;
  bool owned_, regular_ = false;
  Sha256* hash_;
  std::string problem_;
  std::uint64_t size_ = 0, position_ = 0, hashed_ = 0, zeros_ = 0;  // position_: behind the block
  std::vector<char> block_;
  std::size_t begin_ = 0, end_ = 0;  // of the block, what was not handed out
};

}  // namespace stuffwatch::corpus
