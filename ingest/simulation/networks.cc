#include "ingest/simulation/networks.h"

#include <array>
#include <charconv>

namespace stuffwatch::ingest::simulation {
namespace {

constexpr std::array<std::string_view, 12> kCountries = {"DE", "FR", "IT", "ES", "NL", "AT",
                                                         "SE", "DK", "PL", "PT", "BE", "CZ"};
constexpr std::uint32_t kHomeProviders = kAccessSlash16s / 5;

constexpr Address v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return {0, std::uint64_t{a} << 24 | b << 16 | c << 8 | d};
}

std::string_view country(std::uint32_t provider) {
  // Half of the providers are at home, the rest anywhere.
  return provider % 2 == 0 ? kCountries[provider / 2 % 3]
                           : kCountries[provider % kCountries.size()];
}

void append_number(std::string& out, std::uint64_t value, int base) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

}  // namespace

Address home_v4(std::uint32_t place) {
  const std::uint32_t prefix = place / 254;
  return v4(10, prefix % kAccessSlash16s, prefix / kAccessSlash16s, 1 + place % 254);
}

Address home_v6(std::uint32_t place, std::uint32_t household, std::uint64_t device) {
  const std::uint64_t provider = place / 254 % kAccessSlash16s / 5;
  // A /48 holds 64 neighbouring households; the household number stands in it once, so a /64 has
  // one household.
  const std::uint64_t site = provider << 10 | (household >> 6 & 0x3ff);
  const std::uint64_t subnet = (household & 63) << 10 | (household >> 16 & 0x3ff);
  return {0x20010db800000000 | site << 16 | subnet, device & ~(std::uint64_t{1} << 57)};
}

Address carrier_address(std::uint32_t carrier, std::uint32_t pool, std::uint32_t index) {
  const std::uint32_t slash16 = carrier * kCarrierSlash16s + pool % kCarrierSlash16s;
  return v4(100, 64 + slash16, pool / kCarrierSlash16s % 256, 1 + index % 254);
}

Address office_address(std::uint32_t office) { return v4(10, 240, office % 256, 10); }

Address hosting_address(std::uint32_t prefix, std::uint32_t host) {
  return v4(10, 250 + prefix / 256 % 5, prefix % 256, 1 + host % 254);
}

Address monitoring_address() { return v4(10, 249, 0, 10); }

Provider provider_of(const Address& address) {
  if (address.high != 0) {
    const auto provider = static_cast<std::uint32_t>(address.high >> 26 & 0x3f);
    return {64512 + provider, country(provider)};
  }
  const auto a = static_cast<std::uint32_t>(address.low >> 24);
  const auto b = static_cast<std::uint32_t>(address.low >> 16 & 0xff);
  if (a == 100) {
    const std::uint32_t carrier = (b - 64) / kCarrierSlash16s;
    return {64600 + carrier, country(carrier)};
  }
  if (b < kAccessSlash16s) return {64512 + b / 5, country(b / 5)};
  if (b == 240) return {64700 + static_cast<std::uint32_t>(address.low >> 8 & 0xff), kCountries[0]};
  if (b >= 250) return {65000 + b - 250, kCountries[b % kCountries.size()]};
  return {64690, kCountries[0]};
}

void append_address(std::string& out, const Address& address) {
  if (address.high == 0) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      append_number(out, address.low >> shift & 0xff, 10);
      if (shift > 0) out.push_back('.');
    }
    return;
  }
  for (unsigned group = 0; group < 8; ++group) {
    const std::uint64_t half = group < 4 ? address.high : address.low;
    append_number(out, half >> (48 - group % 4 * 16) & 0xffff, 16);
    if (group < 7) out.push_back(':');
  }
}

static_assert(kHomeProviders <= 64, "the provider of an IPv6 home is six bits");

}  // namespace stuffwatch::ingest::simulation
