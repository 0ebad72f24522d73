#include "ingest/batch_decoder.h"

#define XXH_INLINE_ALL  // names are short: a call through the library costs as much as the hash
#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "ingest/address_text.h"
#include "ingest/tenant_id.h"

namespace stuffwatch::ingest {
namespace {

using corpus::AccountHasher;

constexpr std::size_t kClients = 256;
// Longer words are hashed anew each time: they are rare, and whoever sends them wants our memory.
constexpr std::size_t kCachedBytes = 1024;

std::uint64_t never_zero(std::uint64_t hash) { return hash != 0 ? hash : 1; }

// ISO 3166-1 alpha-2, or nothing: some providers write names.
std::array<char, 2> country_of(std::string_view text) {
  std::array<char, 2> code{};
  if (text.size() != code.size()) return {};
  for (std::size_t i = 0; i < code.size(); ++i) {
    code[i] = static_cast<char>(text[i] & ~0x20);
    if (code[i] < 'A' || code[i] > 'Z') return {};
  }
  return code;
}

// A right password that MFA stopped is a failure with a reason of its own, however the provider
// puts it.
void settle_mfa(detectors::LoginEvent& event) {
  if (event.reason == FailureReason::kMfaFailed) event.mfa = Mfa::kFailed;
  if (event.mfa != Mfa::kFailed) return;
  if (event.outcome == Outcome::kSuccess) {
    event.outcome = Outcome::kFailure;
    event.reason = FailureReason::kMfaFailed;
  } else if (event.reason == FailureReason::kNone || event.reason == FailureReason::kOther) {
    event.reason = FailureReason::kMfaFailed;
  }
}

}  // namespace

BatchDecoder::BatchDecoder(std::unique_ptr<Decoder> decoder, const DecodeSettings& settings,
                           const AccountHasher& hasher)
    : decoder_(std::move(decoder)),
      default_app_(settings.app),
      default_tenant_(settings.tenant),
      trusted_proxies_(settings.trusted_proxies),
      hasher_(hasher),
      clients_(kClients) {
  std::map<Trust, std::vector<detectors::Network>> networks_of;
  for (const TrustedNetwork& trusted : settings.trusted_sources) {
    if (trusted.apps.empty()) networks_of[{trusted.until, 0}].push_back(trusted.network);
    for (const std::string& app : trusted.apps)
      networks_of[{trusted.until, tenant_id(app)}].push_back(trusted.network);
  }
  for (const auto& [trust, networks] : networks_of)
    trusted_sources_.emplace(trust, NetworkSet(networks));
}

detectors::EventTime BatchDecoder::trusted_until(const detectors::LoginEvent& event) const {
  for (const auto& [trust, networks] : trusted_sources_) {
    const auto& [until, app] = trust;
    if ((app == 0 || app == event.app) && networks.contains(event.source_ip)) return until;
  }
  return detectors::EventTime::min();
}

void BatchDecoder::decode(RawChunk&& chunk, EventBatch& out) {
  out.events.clear();
  out.texts.clear();
  out.origins.clear();
  out.bad.clear();
  out.arena.clear();
  out.counts = {};
  out.chunk = std::move(chunk);
  out_ = &out;
  batch_app_ = out.arena.copy(default_app_);
  batch_tenant_ = out.arena.copy(default_tenant_);
  out.events.reserve(out.chunk.records.size());
  out.texts.reserve(out.chunk.records.size());
  out.origins.reserve(out.chunk.records.size());
  for (std::uint32_t record = 0; record < out.chunk.records.size(); ++record) decode_one(record);
  for (std::size_t i = 0; i < out.events.size(); ++i) out.events[i].text = &out.texts[i];
  out_ = nullptr;
}

void BatchDecoder::decode_one(std::uint32_t record) {
  record_ = record;
  bytes_ = out_->chunk.records[record].bytes;
  refused_ = Reject::kNone;
  const std::size_t before = out_->events.size();
  DecodeCounts& counts = out_->counts;
  const auto fields_before = std::pair(counts.unknown_fields, counts.secret_fields);
  Verdict verdict = decoder_->decode(out_->chunk.records[record], *this);
  if (refused_ != Reject::kNone && verdict.decoded()) verdict = Verdict::rejected(refused_);
  ++counts.records, counts.bytes += bytes_.size();
  if (verdict.decoded()) {
    ++counts.decoded;
    return;
  }
  out_->events.resize(before);  // all of a record or nothing
  out_->texts.resize(before);
  out_->origins.resize(before);
  if (verdict.reject != Reject::kNone) {
    std::tie(counts.unknown_fields, counts.secret_fields) = fields_before;
    ++counts.rejected[static_cast<std::size_t>(verdict.reject)];
    out_->bad.push_back({record, verdict.reject});
  } else {
    ++counts.skipped[static_cast<std::size_t>(verdict.skip)];
  }
}

void BatchDecoder::add(const RawLogin& login) {
  detectors::LoginEvent event;
  if (!parse_source(login.source_ip, event.source_ip)) {
    refused_ = Reject::kBadAddress;
    return;
  }
  if (!trusted_proxies_.empty())
    event.source_ip = source_behind(trusted_proxies_, event.source_ip, login.forwarded_for);
  event.time = login.time;
  event.outcome = login.outcome;
  event.reason = login.outcome == Outcome::kSuccess ? FailureReason::kNone : login.reason;
  event.mfa = login.mfa;
  settle_mfa(event);
  event.account = hasher_(login.account, canonical_);
  event.as_number = login.as_number;
  event.country = country_of(login.country);
  if (!login.password_token.empty()) {
    event.password_token =
        never_zero(hasher_.keyed(AccountHasher::Purpose::kPasswordToken, login.password_token));
  }
  const Client& client = client_of(login);
  event.client = client.client;
  event.ja4 = client.ja4_hash;

  detectors::EventText text;
  keep_text(login, text);
  event.tenant = tenant_id(text.tenant);
  event.app = tenant_id(text.app);

  EventOrigin origin;
  origin.record = record_;
  origin.yearless = login.yearless;
  origin.zoneless = login.zoneless;
  origin.trusted_until = trusted_until(event);
  origin.event_id = event_id_hash(text.tenant, text.event_id);
  append(event, text, origin, std::clamp<std::uint32_t>(login.repeat, 1, kMaxRepeat));
}

// The event id names one event: the repetitions have none, or they would be taken for duplicates.
void BatchDecoder::append(const detectors::LoginEvent& event, const detectors::EventText& text,
                          const EventOrigin& origin, std::uint32_t repeat) {
  for (std::uint32_t i = 0; i < repeat; ++i) {
    out_->events.push_back(event);
    out_->texts.push_back(text);
    out_->origins.push_back(origin);
    if (i == 0) continue;
    out_->texts.back().event_id = {};
    out_->origins.back().event_id = 0;
  }
}

// Text of the record lives as long as the batch does; text of the decoder's buffers (unescaped
// strings) is copied.
std::string_view BatchDecoder::kept(std::string_view text) {
  const std::less_equal<const char*> not_after;
  const bool in_record = not_after(bytes_.data(), text.data()) &&
                         not_after(text.data() + text.size(), bytes_.data() + bytes_.size());
  return in_record ? text : out_->arena.copy(text);
}

void BatchDecoder::keep_text(const RawLogin& login, detectors::EventText& text) {
  text.user_name = kept(login.account);
  text.account_id = kept(login.account_id);
  text.session_id = kept(login.session_id);
  text.event_id = kept(login.event_id);
  text.user_agent = kept(login.user_agent);
  text.ja4 = kept(login.ja4);
  text.app = login.app.empty() ? batch_app_ : kept(login.app);
  text.tenant = login.tenant.empty() ? batch_tenant_ : kept(login.tenant);
}

const BatchDecoder::Client& BatchDecoder::client_of(const RawLogin& login) {
  static const Client kNobody;
  const std::string_view tls = login.ja4.empty() ? login.ja3 : login.ja4;
  if (login.user_agent.empty() && tls.empty()) return kNobody;
  const std::uint64_t slot = XXH3_64bits_withSeed(login.user_agent.data(), login.user_agent.size(),
                                                  XXH3_64bits(tls.data(), tls.size()));
  const bool cached = login.user_agent.size() + tls.size() <= kCachedBytes;
  Client& client = cached ? clients_[slot % kClients] : uncached_;
  if (cached && client.used && client.user_agent == login.user_agent && client.tls == tls &&
      client.ja4 == login.ja4)
    return client;
  if (cached) {
    client.used = true;
    client.user_agent = login.user_agent;
    client.tls = tls;
    client.ja4 = login.ja4;
  }
  scratch_.assign(login.user_agent).append(1, '\0').append(tls);
  client.client = never_zero(hasher_.keyed(AccountHasher::Purpose::kClient, scratch_));
  client.ja4_hash = 0;
  if (!login.ja4.empty()) {
    scratch_.assign(1, '\0').append(login.ja4);
    client.ja4_hash = never_zero(hasher_.keyed(AccountHasher::Purpose::kClient, scratch_));
  }
  return client;
}

std::uint64_t BatchDecoder::event_id_hash(std::string_view tenant, std::string_view event_id) {
  if (event_id.empty()) return 0;
  scratch_.assign(tenant).append(1, '\0').append(event_id);
  return never_zero(hasher_.keyed(AccountHasher::Purpose::kEventId, scratch_));
}

}  // namespace stuffwatch::ingest
