#include "ingest/decompressor.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace stuffwatch::ingest {
namespace {

constexpr std::uint64_t kXzMemory = std::uint64_t{256} << 20;
constexpr unsigned kZstdWindowLog = 27;

unsigned clamp_size(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

// The C libraries declare their input without const but do not write to it.
char* unconst(const char* text) { return const_cast<char*>(text); }

void advance(Flow& flow, std::size_t read, std::size_t written) {
  flow.in += read;
  flow.in_size -= read;
  flow.out += written;
  flow.out_size -= written;
}

class Gzip final : public Decompressor {
 public:
  Gzip() { ok_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  [[nodiscard]] bool ok() const { return ok_; }

  Status run(Flow& flow, bool last) override {
    if (between_ && !next_member(flow)) return Status::kEnd;
    const unsigned in = clamp_size(flow.in_size), out = clamp_size(flow.out_size);
    stream_.next_in = reinterpret_cast<Bytef*>(unconst(flow.in));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(flow.out);
    stream_.avail_out = out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    advance(flow, in - stream_.avail_in, out - stream_.avail_out);
    between_ = result == Z_STREAM_END;
    if (between_) return Status::kEnd;
    if (result != Z_OK && result != Z_BUF_ERROR)
      return no_member() ? ignore_rest(flow) : Status::kDamaged;
    return last && flow.in_size == 0 && later_ && stream_.total_in < kMagic ? ignore_rest(flow)
                                                                            : Status::kMore;
  }
  [[nodiscard]] std::uint64_t ignored() const override { return ignored_; }

 private:
  static constexpr uLong kMagic = 2;

  bool next_member(Flow& flow) {
    if (ignored_ > 0) return ignore(flow), false;
    while (flow.in_size > 0 && *flow.in == '\0') advance(flow, 1, 0);
    if (flow.in_size == 0) return false;
    between_ = false, later_ = true;
    inflateReset(&stream_);
    return true;
  }
  // What follows a whole member does not even begin like another.
  [[nodiscard]] bool no_member() const { return later_ && stream_.total_in <= kMagic; }
  Status ignore_rest(Flow& flow) {
    ignored_ = stream_.total_in;
    ignore(flow);
    between_ = true;
    return Status::kEnd;
  }
  void ignore(Flow& flow) {
    ignored_ += flow.in_size;
    advance(flow, flow.in_size, 0);
  }

  z_stream stream_{};
  bool ok_ = false, between_ = false, later_ = false;  // later_: a whole member came before
  std::uint64_t ignored_ = 0;
};

class Zstd final : public Decompressor {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) return;
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLog);
    hint_ = ZSTD_initDStream(stream_);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  [[nodiscard]] bool ok() const { return stream_ != nullptr; }

  // At most one block a call: a call that meets damage forgets the blocks it has already written.
  Status run(Flow& flow, bool) override {
    ZSTD_inBuffer in{flow.in, std::min(flow.in_size, hint_), 0};
    ZSTD_outBuffer out{flow.out, flow.out_size, 0};
    remember(in);
    const std::size_t result = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(result) != 0) {
      const bool too_big = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
      return too_big ? Status::kTooBig : Status::kDamaged;
    }
    advance(flow, in.pos, out.pos);
    if (result == 0) header_size_ = 0;
    hint_ = std::max<std::size_t>(result, 1);
    if (result == 0) hint_ = 5;  // the smallest header, ZSTD_FRAMEHEADERSIZE_MIN(ZSTD_f_zstd1)
    return result == 0 ? Status::kEnd : Status::kMore;
  }
  // RFC 8878, 3.1.1.1: a window descriptor, or a frame that is one segment and says how long it is.
  [[nodiscard]] std::uint64_t needs() const override {
    const unsigned descriptor = header_[4];
    if ((descriptor & 0x20) == 0) {
      const std::uint64_t base = std::uint64_t{1} << (10 + (header_[5] >> 3));
      return base + base / 8 * (header_[5] & 7);
    }
    static constexpr std::size_t kDictionary[] = {0, 1, 2, 4}, kContent[] = {1, 2, 4, 8};
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, header_.data() + 5 + kDictionary[descriptor & 3],
                kContent[descriptor >> 6]);
    return bytes;
  }

 private:
  // The start of the frame: the library takes in all that it is given while it wants a header.
  void remember(const ZSTD_inBuffer& in) {
    const std::size_t more = std::min(in.size, header_.size() - header_size_);
    if (more > 0) std::memcpy(header_.data() + header_size_, in.src, more);
    header_size_ += more;
  }

  ZSTD_DStream* stream_;
  std::size_t hint_ = 1;
  std::array<std::uint8_t, 18> header_{};
  std::size_t header_size_ = 0;
};

class Xz final : public Decompressor {
 public:
  Xz() { ok_ = lzma_stream_decoder(&stream_, kXzMemory, LZMA_CONCATENATED) == LZMA_OK; }
  ~Xz() override { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  [[nodiscard]] bool ok() const { return ok_; }

  Status run(Flow& flow, bool last) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(flow.in);
    stream_.avail_in = flow.in_size;
    stream_.next_out = reinterpret_cast<std::uint8_t*>(flow.out);
    stream_.avail_out = flow.out_size;
    const lzma_ret result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
    advance(flow, flow.in_size - stream_.avail_in, flow.out_size - stream_.avail_out);
    if (result == LZMA_STREAM_END) return Status::kEnd;
    if (result == LZMA_MEMLIMIT_ERROR) return Status::kTooBig;
    return result == LZMA_OK || result == LZMA_BUF_ERROR ? Status::kMore : Status::kDamaged;
  }
  [[nodiscard]] std::uint64_t needs() const override { return lzma_memusage(&stream_); }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ok_ = false;
};

class Bzip2 final : public Decompressor {
 public:
  Bzip2() { ok_ = BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK; }
  ~Bzip2() override { BZ2_bzDecompressEnd(&stream_); }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  [[nodiscard]] bool ok() const { return ok_; }

  Status run(Flow& flow, bool) override {
    if (between_ && flow.in_size == 0) return Status::kEnd;
    if (between_ && !restart()) return Status::kDamaged;
    const unsigned in = clamp_size(flow.in_size), out = clamp_size(flow.out_size);
    stream_.next_in = unconst(flow.in);
    stream_.avail_in = in;
    stream_.next_out = flow.out;
    stream_.avail_out = out;
    const int result = BZ2_bzDecompress(&stream_);
    advance(flow, in - stream_.avail_in, out - stream_.avail_out);
    between_ = result == BZ_STREAM_END;
    if (between_) return Status::kEnd;
    return result == BZ_OK ? Status::kMore : Status::kDamaged;
  }

 private:
  bool restart() {
    BZ2_bzDecompressEnd(&stream_);
    stream_ = {};
    between_ = false;
    return BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
  }

  bz_stream stream_{};
  bool ok_ = false, between_ = false;
};

template <class T>
std::unique_ptr<Decompressor> made() {
  auto it = std::make_unique<T>();
  if (!it->ok()) return nullptr;
  return it;
}

}  // namespace

std::string_view name_of(Compression compression) {
  switch (compression) {
    case Compression::kNone: return "none";
    case Compression::kGzip: return "gzip";
    case Compression::kZstd: return "zstd";
    case Compression::kXz: return "xz";
    case Compression::kBzip2: return "bzip2";
  }
  return "none";
}

std::uint64_t memory_limit(Compression compression) {
  return compression == Compression::kXz ? kXzMemory : std::uint64_t{1} << kZstdWindowLog;
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression) {
  switch (compression) {
    case Compression::kNone: return nullptr;
    case Compression::kGzip: return made<Gzip>();
    case Compression::kZstd: return made<Zstd>();
    case Compression::kXz: return made<Xz>();
    case Compression::kBzip2: return made<Bzip2>();
  }
  return nullptr;
}

}  // namespace stuffwatch::ingest
