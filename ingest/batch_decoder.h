// Turns the raw records of one declared input into login events: decodes, parses addresses,
// resolves proxies, hashes what must not be kept.
//
// Threads: one instance a thread and input; the AccountHasher may be shared. Memory: scratch of the
// largest record, 256 cached clients. Cost: about 400 ns a native event of 420 bytes. Errors: none;
// a bad record is counted and listed, and contributes no event.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/account_key.h"
#include "ingest/decoder.h"
#include "ingest/event_batch.h"
#include "ingest/network_set.h"

namespace stuffwatch::ingest {

inline constexpr std::uint32_t kMaxRepeat = 1000;  // events out of one "message repeated N times"

// By event time, so that a replay trusts what the live run trusted.
struct TrustedNetwork {
  detectors::Network network;
  detectors::EventTime until = detectors::EventTime::max();
  std::vector<std::string> apps = {};  // at these login pages; empty = at all
};

struct DecodeSettings {
  std::string app, tenant;  // of events that name none
  std::vector<detectors::Network> trusted_proxies;
  std::vector<TrustedNetwork> trusted_sources;
};

class BatchDecoder final : private LoginCollector {
 public:
  BatchDecoder(std::unique_ptr<Decoder> decoder, const DecodeSettings& settings,
               const corpus::AccountHasher& hasher);

  // `out` is emptied first and takes the chunk over: its events view the chunk's records, its arena
  // and nothing else.
  void decode(RawChunk&& chunk, EventBatch& out);

 private:
  // What the client's words hash to. Hashing 120 bytes of user agent costs ten times as much as
  // comparing them.
  struct Client {
    std::string user_agent, tls, ja4;
    std::uint64_t client = 0, ja4_hash = 0;
    bool used = false;
  };

  void add(const RawLogin& login) override;
  void unknown_field() override { ++out_->counts.unknown_fields; }
  void secret_field() override { ++out_->counts.secret_fields; }

  void decode_one(std::uint32_t record);
  [[nodiscard]] const Client& client_of(const RawLogin& login);
  [[nodiscard]] std::string_view kept(std::string_view text);
  [[nodiscard]] detectors::EventTime trusted_until(const detectors::LoginEvent& event) const;
  void keep_text(const RawLogin& login, detectors::EventText& text);
  [[nodiscard]] std::uint64_t event_id_hash(std::string_view tenant, std::string_view event_id);
  void append(const detectors::LoginEvent& event, const detectors::EventText& text,
              const EventOrigin& origin, std::uint32_t repeat);

  std::unique_ptr<Decoder> decoder_;
  std::string default_app_, default_tenant_;
  NetworkSet trusted_proxies_;
  // One set an expiry date and login page (0 = all of them), the latest date first.
  using Trust = std::pair<detectors::EventTime, detectors::AppId>;
  std::map<Trust, NetworkSet, std::greater<>> trusted_sources_;
  const corpus::AccountHasher& hasher_;
  std::string canonical_, scratch_;
  std::vector<Client> clients_;
  Client uncached_;

  // While decode() runs.
  EventBatch* out_ = nullptr;
  std::uint32_t record_ = 0;
  std::string_view bytes_;  // of the record
  Reject refused_ =
      Reject::kNone;  // what the decoder accepted and we do not: an address that is none
  std::string_view batch_app_, batch_tenant_;  // the defaults, in the batch's arena
};

}  // namespace stuffwatch::ingest
