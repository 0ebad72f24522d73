#include "ingest/decompressor.h"

#include <algorithm>
#include <limits>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace stuffwatch::ingest {
namespace {

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

  Status run(Flow& flow, bool) override {
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
    return result == Z_OK || result == Z_BUF_ERROR ? Status::kMore : Status::kDamaged;
  }

 private:
  // Zeros after a member are padding (tapes, block devices).
  bool next_member(Flow& flow) {
    while (flow.in_size > 0 && *flow.in == '\0') advance(flow, 1, 0);
    if (flow.in_size == 0) return false;
    between_ = false;
    inflateReset(&stream_);
    return true;
  }

  z_stream stream_{};
  bool ok_ = false, between_ = false;
};

class Zstd final : public Decompressor {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ != nullptr) hint_ = ZSTD_initDStream(stream_);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  [[nodiscard]] bool ok() const { return stream_ != nullptr; }

  // At most one block a call: a call that meets damage forgets the blocks it has already written.
  Status run(Flow& flow, bool) override {
    ZSTD_inBuffer in{flow.in, std::min(flow.in_size, hint_), 0};
    ZSTD_outBuffer out{flow.out, flow.out_size, 0};
    const std::size_t result = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(result) != 0) return Status::kDamaged;
    advance(flow, in.pos, out.pos);
    hint_ = std::max<std::size_t>(result, 1);
    if (result == 0) hint_ = 5;  // the smallest header, ZSTD_FRAMEHEADERSIZE_MIN(ZSTD_f_zstd1)
    return result == 0 ? Status::kEnd : Status::kMore;
  }

 private:
  ZSTD_DStream* stream_;
  std::size_t hint_ = 1;
};

class Xz final : public Decompressor {
 public:
  Xz() { ok_ = lzma_stream_decoder(&stream_, kMemory, LZMA_CONCATENATED) == LZMA_OK; }
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
    return result == LZMA_OK || result == LZMA_BUF_ERROR ? Status::kMore : Status::kDamaged;
  }

 private:
  static constexpr std::uint64_t kMemory = std::uint64_t{256} << 20;
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
