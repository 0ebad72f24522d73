#include "detectors/event.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace stuffwatch::detectors {
namespace {

constexpr std::size_t kMappedPrefix = 12;  // ::ffff: before the four bytes of an IPv4 address

// One part of a dotted quad: 1-3 digits, at most 255, no leading zero (some parsers read those as
// octal: ambiguous, so refused).
bool take_octet(const char*& at, const char* end, std::uint32_t& value) {
  const char* const begin = at;
  value = 0;
  while (at != end && static_cast<unsigned char>(*at - '0') < 10) {
    value = value * 10 + static_cast<std::uint32_t>(*at++ - '0');
    if (at - begin > 3) return false;
  }
  return at != begin && value <= 255 && (at - begin == 1 || *begin != '0');
}

bool parse_v4(std::string_view text, IpAddress& out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  std::uint32_t bits = 0;
  for (int part = 0; part < 4; ++part) {
    std::uint32_t octet;
    if (part != 0 && (at == end || *at++ != '.')) return false;
    if (!take_octet(at, end, octet)) return false;
    bits = bits << 8 | octet;
  }
  if (at != end) return false;
  out = IpAddress::v4(bits);
  return true;
}

bool parse_v6(std::string_view text, IpAddress& out) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  terminated[text.size()] = '\0';
  return inet_pton(AF_INET6, terminated, out.bytes.data()) == 1;
}

// Clears everything after the first `bits` of the 128.
IpAddress masked(IpAddress ip, unsigned bits) {
  for (std::size_t i = 0; i < ip.bytes.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned kept = bits <= before ? 0 : std::min(bits - before, 8U);
    ip.bytes[i] = static_cast<std::uint8_t>(ip.bytes[i] & (0xff00U >> kept));
  }
  return ip;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress ip;
  const std::uint64_t big = __builtin_bswap64(std::uint64_t{0xffff} << 32 | host_order);
  std::memcpy(ip.bytes.data() + 8, &big, sizeof big);
  return ip;
}

bool parse_ip(std::string_view text, IpAddress& out) {
  if (parse_v4(text, out)) return true;
  return parse_v6(text, out);
}

std::string to_string(const IpAddress& ip) {
  char text[INET6_ADDRSTRLEN];
  const bool v4 = ip.is_v4();
  inet_ntop(v4 ? AF_INET : AF_INET6, ip.bytes.data() + (v4 ? kMappedPrefix : 0), text, sizeof text);
  return text;
}

Network Network::of(const IpAddress& ip, unsigned v4_bits, unsigned v6_bits) {
  const bool v4 = ip.is_v4();
  const unsigned bits = v4 ? std::min(v4_bits, 32U) : std::min(v6_bits, 128U);
  return {masked(ip, v4 ? bits + kMappedPrefix * 8 : bits), static_cast<std::uint8_t>(bits), v4};
}

bool Network::contains(const IpAddress& ip) const {
  if (ip.is_v4() != v4) return false;
  const unsigned prefix = v4 ? bits + 96U : bits;
  const std::uint64_t high = ip.high() ^ address.high(), low = ip.low() ^ address.low();
  if (prefix == 0) return true;
  if (prefix <= 64) return high >> (64 - prefix) == 0;
  return high == 0 && (prefix == 64 || low >> (128 - prefix) == 0);
}

bool parse_network(std::string_view cidr, Network& out) {
  const std::size_t slash = cidr.find('/');
  IpAddress ip;
  if (!parse_ip(cidr.substr(0, slash), ip)) return false;
  if (slash == std::string_view::npos) {
    out = Network::of(ip, 32, 128);
    return true;
  }
  const std::string_view digits = cidr.substr(slash + 1);
  unsigned bits = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || rest != digits.data() + digits.size() || digits.size() > 3)
    return false;
  if (ip.is_v4() &&
      cidr.find(':') !=
          std::string_view::npos) {  // ::ffff:192.0.2.0/120 counts its bits as IPv6 does
    if (bits < 96) return false;
    bits -= 96;
  }
  if (bits > (ip.is_v4() ? 32U : 128U)) return false;
  out = Network::of(ip, bits, bits);
  return true;
}

std::string to_string(const Network& network) {
  return to_string(network.address) + '/' + std::to_string(network.bits);
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUnknown: return "unknown";
    case Outcome::kSuccess: return "success";
    case Outcome::kFailure: return "failure";
  }
  std::unreachable();
}

std::string_view name_of(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone: return "none";
    case FailureReason::kBadPassword: return "bad_password";
    case FailureReason::kUnknownAccount: return "unknown_account";
    case FailureReason::kLocked: return "locked";
    case FailureReason::kDisabled: return "disabled";
    case FailureReason::kMfaFailed: return "mfa_failed";
    case FailureReason::kBlocked: return "blocked";
    case FailureReason::kRateLimited: return "rate_limited";
    case FailureReason::kInternalError: return "internal_error";
    case FailureReason::kOther: return "other";
  }
  std::unreachable();
}

std::string_view name_of(NetworkClass network) {
  switch (network) {
    case NetworkClass::kUnknown: return "unknown";
    case NetworkClass::kResidential: return "residential";
    case NetworkClass::kMobile: return "mobile";
    case NetworkClass::kHosting: return "hosting";
    case NetworkClass::kVpn: return "vpn";
    case NetworkClass::kTor: return "tor";
    case NetworkClass::kPrivate: return "private";
  }
  std::unreachable();
}

}  // namespace stuffwatch::detectors
