#include "ingest/simulation/native_json.h"

#include <array>

#include "config/rfc3339.h"

namespace stuffwatch::ingest::simulation {
namespace {

void append_hex(std::string& out, std::uint64_t value, unsigned digits) {
  for (unsigned shift = digits * 4; shift > 0; shift -= 4)
    out.push_back("0123456789abcdef"[value >> (shift - 4) & 15]);
}

void append_decimal(std::string& out, std::uint64_t value, std::size_t digits) {
  std::array<char, 20> text;
  for (std::size_t i = digits; i > 0; value /= 10) text[--i] = static_cast<char>('0' + value % 10);
  out.append(text.data(), digits);
}

std::string_view mfa_name(Mfa mfa) {
  switch (mfa) {
    case Mfa::kPassed: return "passed";
    case Mfa::kFailed: return "failed";
    default: return "none";
  }
}

}  // namespace

void NativeJson::append_event_id(std::string& out, std::uint64_t number) const {
  append_hex(out, mix(number ^ run_), 16);  // a bijection of the number: no two are the same
}

void NativeJson::append_account(std::string& out, const Attempt& attempt) const {
  if (attempt.misspelling == 0)
    world_.names().append(out, attempt.person);
  else
    world_.names().append_misspelt(out, attempt.person, attempt.misspelling);
}

void NativeJson::append(std::string& out, const Attempt& a, std::uint64_t number) const {
  out.append(R"({"time":")");
  config::append_rfc3339(out, a.time);
  out.append(R"(","event_id":")");
  append_event_id(out, number);
  out.append(R"(","account":")");
  append_account(out, a);
  if (a.reason != FailureReason::kUnknownAccount) {
    out.append(R"(","account_id":"u-)");
    append_decimal(out, std::uint64_t{a.person} + 10'000'000, 8);
  }
  if (a.outcome == Outcome::kSuccess) {
    out.append(R"(","outcome":"success","session_id":")");
    append_hex(out, mix(run_, 0x73657373, number), 8);
  } else {
    out.append(R"(","outcome":"failure","reason":")");
    out.append(name_of(a.reason));
  }
  out.append(R"(","mfa":")").append(mfa_name(a.mfa));
  out.append(R"(","ip":")");
  append_address(out, a.address);
  const Provider provider = provider_of(a.address);
  out.append(R"(","asn":)");
  append_decimal(out, provider.as_number, 5);
  out.append(R"(,"country":")").append(provider.country);
  const Client& client = world_.clients()[a.client];
  out.append(R"(","user_agent":")").append(client.user_agent);
  out.append(R"(","ja4":")").append(client.ja4);
  out.append(R"(","device_id":")");
  append_hex(out, a.device, 8);
  out.append(a.app == App::kWeb ? R"(","app":"web","tenant":")" : R"(","app":"mobile","tenant":")");
  out.append(kTenant).append(R"("})");
}

}  // namespace stuffwatch::ingest::simulation
