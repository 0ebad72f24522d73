#include "ingest/decode_ecs.h"
#include "tests/fuzz/json_decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto decoder = stuffwatch::ingest::make_ecs_decoder();
  stuffwatch::ingest::fuzz::decode(*decoder, bytes, size);
  return 0;
}
