#include "corpus/packing.h"

#include <algorithm>
#include <iterator>

namespace stuffwatch::corpus {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  Packing packing;
  std::string_view name;
};

constexpr Magic kMagics[] = {
    {"\x1f\x8b"sv, Packing::kGzip, "gzip"},
    {"\x28\xb5\x2f\xfd"sv, Packing::kZstd, "zstd"},
    {"\xfd\x37zXZ\0"sv, Packing::kXz, "xz"},
    {"PK\x03\x04"sv, Packing::kZip, "zip"},
    {"PK\x05\x06"sv, Packing::kZip, "zip"},  // an empty one
    {"7z\xbc\xaf\x27\x1c"sv, Packing::kSevenZip, "7z"},
    {"Rar!\x1a\x07"sv, Packing::kForeign, "a rar archive"},
    {"\x04\x22\x4d\x18"sv, Packing::kForeign, "lz4"},
    {"LZIP\x01"sv, Packing::kForeign, "lzip"},
    {"\x1f\x9d"sv, Packing::kForeign, "compress (.Z)"},
    {"\xff\xfe"sv, Packing::kForeign, "UTF-16 text"},
    {"\xfe\xff"sv, Packing::kForeign, "UTF-16 text"},
    {"SQLite format 3\0"sv, Packing::kForeign, "an SQLite database"},
};

const Magic* magic_of(std::string_view start) {
  const auto* const found = std::ranges::find_if(
      kMagics, [&](const Magic& magic) { return start.starts_with(magic.bytes); });
  return found == std::end(kMagics) ? nullptr : found;
}

// A frame to be skipped: seekable and parallel compressors begin with one.
bool is_skippable_zstd(std::string_view start) {
  return start.size() >= 4 && (start[0] & '\xf0') == '\x50' && start.substr(1, 3) == "\x2a\x4d\x18";
}

// "BZh", the size of blocks, and the number of a block or of the end.
bool is_bzip2(std::string_view start) {
  return start.size() >= 10 && start.starts_with("BZh") && start[3] >= '1' && start[3] <= '9' &&
         (start.substr(4, 6) == "1AY&SY" || start.substr(4, 6) == "\x17\x72\x45\x38\x50\x90");
}

bool is_tar(std::string_view start) {
  constexpr std::size_t kHeader = 512, kAt = 148, kSize = 8;
  if (start.size() < kHeader || start[0] == '\0') return false;
  unsigned sum = kSize * ' ', written = 0, digits = 0;
  for (std::size_t i = 0; i < kHeader; ++i)
    if (i < kAt || i >= kAt + kSize) sum += static_cast<unsigned char>(start[i]);
  for (const char c : start.substr(kAt, kSize)) {
    if (c == ' ' && digits == 0) continue;
    if (c < '0' || c > '7') break;
    written = written * 8 + static_cast<unsigned>(c - '0');
    ++digits;
  }
  return digits > 0 && written == sum;
}

}  // namespace

Packing packing_of(std::string_view start) {
  if (const Magic* const magic = magic_of(start)) return magic->packing;
  if (is_bzip2(start)) return Packing::kBzip2;
  if (is_skippable_zstd(start)) return Packing::kZstd;
  return is_tar(start) ? Packing::kTar : Packing::kText;
}

std::string_view name_of(Packing packing) {
  if (packing == Packing::kText) return "text";
  if (packing == Packing::kBzip2) return "bzip2";
  if (packing == Packing::kTar) return "tar";
  return std::ranges::find(kMagics, packing, &Magic::packing)->name;
}

std::string_view foreign_name(std::string_view start) {
  const Magic* const magic = magic_of(start);
  return magic != nullptr ? magic->name : name_of(packing_of(start));
}

}  // namespace stuffwatch::corpus
