#include "corpus/gunzip.h"

#include <zlib.h>

#include <new>

#include "corpus/raw_file.h"

namespace stuffwatch::corpus {
namespace {

constexpr std::size_t kText = std::size_t{256} << 10;
constexpr int kGzipWindow = 15 + 16;

}  // namespace

Gunzip::Gunzip(RawFile& file) : file_(file), stream_(std::make_unique<z_stream_s>()), text_(kText) {
  if (inflateInit2(stream_.get(), kGzipWindow) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(stream_.get()); }

std::string_view Gunzip::failed(std::string_view why) {
  problem_ = why;
  return {};
}

// False at the end of the file.
bool Gunzip::more_input() {
  if (stream_->avail_in > 0) return true;
  const std::string_view block = file_.read();
  // zlib declares its input without const but does not write to it.
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data()));
  stream_->avail_in = static_cast<uInt>(block.size());
  return !block.empty();
}

// False when only zeros follow: the padding of tapes and block devices.
bool Gunzip::next_member() {
  while (more_input()) {
    while (stream_->avail_in > 0 && *stream_->next_in == 0) ++stream_->next_in, --stream_->avail_in;
    if (stream_->avail_in == 0) continue;
    inflateReset(stream_.get());
    between_ = false;
    return true;
  }
  return false;
}

std::string_view Gunzip::read() {
  if (!problem_.empty()) return {};
  stream_->next_out = reinterpret_cast<Bytef*>(text_.data());
  stream_->avail_out = static_cast<uInt>(text_.size());
  while (stream_->avail_out > 0) {
    if (between_ && !next_member()) break;
    if (!more_input()) return failed("the gzip data ends early");
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    between_ = result == Z_STREAM_END;
    if (!between_ && result != Z_OK && result != Z_BUF_ERROR)
      return failed(stream_->msg != nullptr ? stream_->msg : "no gzip data");
  }
  if (!file_.problem().empty()) return failed(file_.problem());
  return {text_.data(), text_.size() - stream_->avail_out};
}

}  // namespace stuffwatch::corpus
