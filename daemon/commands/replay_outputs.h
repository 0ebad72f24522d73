// The files that a replay writes. Threads: one.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "config/output_file.h"

namespace stuffwatch::daemon {

struct ReplayOutput {
  std::string_view option;
  std::string path = {};  // empty: not wanted
  config::OutputFile file = {};

  void line(std::string_view text) { file.write(text), file.write("\n"); }
};

struct ReplayOutputs {
  ReplayOutput alerts{"--alerts"}, accounts{"--accounts"}, attributions{"--attributions"},
      summary{"--summary"};

  // Errors: kConfiguration for an output that is also read, or another output, under whatever name.
  [[nodiscard]] config::Result<void> check(std::span<const std::string> read);
  [[nodiscard]] config::Result<void> open();
  [[nodiscard]] config::Result<void> finish();
  // One of them goes there: nothing else may.
  [[nodiscard]] bool on_standard_output();

 private:
  [[nodiscard]] std::array<ReplayOutput*, 4> all() {
    return {&alerts, &accounts, &attributions, &summary};
  }
};

}  // namespace stuffwatch::daemon
