#include "ingest/decode_ocsf.h"
#include "tests/fuzz/json_decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto decoder = stuffwatch::ingest::make_ocsf_decoder();
  stuffwatch::ingest::fuzz::decode(*decoder, bytes, size);
  return 0;
}
