// The YAML reader takes any bytes, as file or as setting, and answers with a configuration or an
// explained error; what it took, it prints and takes back unchanged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "config/flatten.h"
#include "config/printers.h"
#include "config/yaml_reader.h"
#include "tests/config/sample_config.h"

namespace {

using namespace stuffwatch::config;

void must(bool holds) {
  if (!holds) std::abort();
}

std::string values(SampleConfig& config) {
  SectionOf root(config);
  std::string out;
  for (const FlatField& field : flatten(root)) out += field.key + "=" + field.value + "\n";
  return out;
}

bool has_secret(SampleConfig& config) {
  SectionOf root(config);
  for (const FlatField& field : flatten(root))
    if (field.secret) return true;
  return false;
}

}  // namespace

// Everything before the first zero byte is the file, the rest is one setting of the command line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::size_t zero = input.find('\0');
  std::vector<std::string> overrides;
  if (zero != std::string_view::npos) overrides.emplace_back(input.substr(zero + 1));

  SampleConfig config;
  const Result<void> done = read_yaml(input.substr(0, zero), "fuzz.yaml", overrides, config);
  if (!done) {
    must(done.error().kind == Error::Kind::kConfiguration && !done.error().message.empty());
    return 0;
  }
  if (has_secret(config)) return 0;  // printed masked, so it cannot come back
  SectionOf root(config);
  for (const std::string& text : {print_effective(root), print_reference(root)}) {
    SampleConfig again;
    must(read_yaml(text, "again.yaml", {}, again).has_value());
    must(values(again) == values(config));
  }
  return 0;
}
