// The sshd decoder on any bytes: never a crash, never a read beyond the padding, and exactly one of
// logins, skip, reject.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "ingest/decode_sshd.h"

namespace {

using namespace stuffwatch::ingest;

class Counter final : public LoginCollector {
 public:
  void add(const RawLogin& login) override {
    ++logins;
    if (!login.account_present || login.source_ip.empty() || login.repeat == 0) std::abort();
    touched += login.account.size() + login.source_ip.size() + login.session_id.size();
    for (const char c : login.account) touched += static_cast<unsigned char>(c);
  }
  void unknown_field() override {}
  void secret_field() override {}
  std::size_t logins = 0, touched = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto decoder = make_sshd_decoder();
  std::vector<char> memory(bytes, bytes + size);
  memory.resize(size + RawChunk::kPadding);
  Counter counter;
  const Verdict verdict = decoder->decode({std::string_view(memory.data(), size), 0, -1}, counter);
  if (verdict.decoded() != (counter.logins > 0)) std::abort();
  return 0;
}
