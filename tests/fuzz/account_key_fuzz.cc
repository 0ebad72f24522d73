// The canonical form of anything is a canonical form, and names its class.
#include <cstdlib>

#include "corpus/account_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace stuffwatch::corpus;
  std::string once, twice;
  const AccountClass kind = canonicalise({reinterpret_cast<const char*>(bytes), size}, once);
  const char written = kind == AccountClass::kInvalid ? 'u' : static_cast<char>(kind);
  if (once.empty() || once[0] != written) std::abort();
  canonicalise(std::string_view(once).substr(1), twice);
  if (once != twice) std::abort();
  return 0;
}
