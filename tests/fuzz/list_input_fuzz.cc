// Any bytes as a list: chunks of whole lines with line numbers that run on, or an explained error; and
// what was read to its end was hashed once and in order.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "corpus/list_input.h"

namespace {

using namespace stuffwatch::corpus;

void must(bool holds) {
  if (!holds) std::abort();
}

constexpr int kMostChunks = 32;  // what little data unpack to can be without end

void check(ListInput& input, std::string_view bytes) {
  LineChunk chunk;
  std::uint64_t lines = 0;
  for (int i = 0; i < kMostChunks; ++i) {
    const auto more = input.next(chunk);
    if (!more) must(!more.error().message.empty());
    if (!more) return;
    if (!*more) {
      Sha256 hash;
      hash.update(bytes);
      must(input.sha256() == hash.finish() && input.bytes_read() == bytes.size());
      return;
    }
    must(chunk.first_line == lines && chunk.lines > 0 && chunk.bytes.ends_with('\n'));
    must(chunk.bytes.size() <= ListInput::kChunkBytes + 1);
    lines += chunk.lines;
    must(input.lines() == lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const int file = ::memfd_create("list", MFD_CLOEXEC);
  must(file >= 0 && ::write(file, bytes, size) == static_cast<ssize_t>(size));
  const auto input = ListInput::open({fmt::format("/proc/self/fd/{}", file)});
  must(input.has_value());
  check(**input, {reinterpret_cast<const char*>(bytes), size});
  ::close(file);
  return 0;
}
