// Turns one record into the login attempts it holds (usually one).
//
// Errors: never throws, never crashes, whatever the bytes: a bad record is a Verdict (pipeline.md 6: the whole document is well formed, depth <= 64,
// no duplicate known key, escaped keys unescaped). Threads: one instance belongs to one thread. Cost: one pass over the bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/raw_chunk.h"
#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

// Receives what a decoder finds. Called zero or more times a record; a record that ends up rejected contributes nothing.
class LoginCollector {
 public:
  virtual ~LoginCollector() = default;
  virtual void add(const RawLogin& login) = 0;
  virtual void unknown_field() = 0;  // ignored, counted
  virtual void secret_field() = 0;   // named like a password: never read, counted
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  [[nodiscard]] virtual Verdict decode(const RawRecord& record, LoginCollector& out) = 0;
};

struct DecoderInfo {
  std::string_view name;     // "native", "ocsf", "ecs", "sshd"
  std::string_view summary;  // one line for --help and the docs
  std::unique_ptr<Decoder> (*make)();
};

// Every decoder, in the order in which `auto` prefers them on a tie. One line each (ingest/decoders.cc).
[[nodiscard]] std::span<const DecoderInfo> decoders();
[[nodiscard]] const DecoderInfo* find_decoder(std::string_view name);

// `--format auto`: tries every decoder on the first records and takes the one that decodes most of them as logins; skips count little, rejects
// against. nullptr = none fits.
struct FormatGuess {
  const DecoderInfo* decoder = nullptr;
  std::size_t logins = 0;  // records decoded as such; 0: only their shape fits
};
[[nodiscard]] FormatGuess guess_format(std::span<const RawRecord> records);

}  // namespace stuffwatch::ingest
