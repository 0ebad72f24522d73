// Writes simulated attempts as native login events (docs: one JSON object a line).
//
// Threads: one instance belongs to one thread. Cost: about half a microsecond an event, no
// allocation but the growth of `out`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/simulation/attempt.h"
#include "ingest/simulation/world.h"

namespace stuffwatch::ingest::simulation {

inline constexpr std::string_view kTenant = "shop";

class NativeJson {
 public:
  // `run` makes event and session ids of one run different from those of another.
  NativeJson(const World& world, std::uint64_t run) : world_(world), run_(run) {}

  void append(std::string& out, const Attempt& attempt,
              std::uint64_t number) const;  // without a line feed
  void append_event_id(std::string& out, std::uint64_t number) const;
  void append_account(std::string& out, const Attempt& attempt) const;

 private:
  const World& world_;
  std::uint64_t run_;
};

}  // namespace stuffwatch::ingest::simulation
