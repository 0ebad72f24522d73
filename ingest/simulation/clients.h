// What the simulated clients look like: user agents with a JA4-like fingerprint, each as popular as
// its kind is.
//
// Threads: immutable after construction. Memory: some kilobytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace stuffwatch::ingest::simulation {

struct Client {
  std::string user_agent, ja4;  // neither holds a quote or a backslash
};

using ClientId = std::uint16_t;

class Clients {
 public:
  Clients();

  [[nodiscard]] const Client& operator[](ClientId id) const { return all_[id]; }
  // The client that a person with this random property uses: an old version stays with its owner.
  [[nodiscard]] ClientId desktop(std::uint64_t property) const { return pick(desktop_, property); }
  [[nodiscard]] ClientId phone(std::uint64_t property) const { return pick(phone_, property); }
  [[nodiscard]] ClientId app(std::uint64_t property) const { return pick(app_, property); }
  // Command line tools and frameworks with a browser's name but not its handshake.
  [[nodiscard]] ClientId tool(std::uint64_t property) const { return pick(tool_, property); }

 private:
  struct Ticket {
    std::uint32_t up_to;  // cumulated weight
    ClientId client;
  };
  using Lottery = std::vector<Ticket>;
  // '#' in the pattern becomes the version; newer versions weigh more.
  void add(Lottery& lottery, const char* pattern, const char* ja4_prefix, std::uint32_t newest,
           std::uint32_t versions, std::uint32_t weight);
  static ClientId pick(const Lottery& lottery, std::uint64_t property);

  std::vector<Client> all_;
  Lottery desktop_, phone_, app_, tool_;
};

}  // namespace stuffwatch::ingest::simulation
