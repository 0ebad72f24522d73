#include "detectors/finding.h"

#include <fmt/format.h>

#include <functional>
#include <mutex>
#include <set>

#include "detectors/state/mix.h"

namespace stuffwatch::detectors {

Entity Entity::address(TenantId tenant, const IpAddress& ip) {
  return ip.is_v4() ? Entity{tenant, ip.v4_bits(), Kind::kAddress, true}
                    : Entity{tenant, ip.high(), Kind::kAddress, false};
}
Entity Entity::prefix(TenantId tenant, const IpAddress& ip) {
  return ip.is_v4() ? Entity{tenant, ip.v4_bits() & 0xffffff00u, Kind::kPrefix, true}
                    : Entity{tenant, ip.high() & 0xffff'ffff'ffff'0000ull, Kind::kPrefix, false};
}
Entity Entity::account(TenantId tenant, AccountKey key) {
  return {tenant, value_of(key), Kind::kAccount, false};
}

Network Entity::network() const {
  Network network;
  network.v4 = v4;
  if (v4) {
    network.address = IpAddress::v4(static_cast<std::uint32_t>(value));
    network.bits = kind == Kind::kAddress ? 32 : 24;
  } else {
    for (std::size_t i = 0; i < 8; ++i)
      network.address.bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    network.bits = kind == Kind::kAddress ? 64 : 48;
  }
  return network;
}

std::uint64_t Entity::hash(std::uint64_t seed) const {
  return mix(tenant + static_cast<std::uint64_t>(kind) * 2 + v4, value, seed);
}

std::string to_string(const Entity& entity) {
  return entity.is_network() ? "net:" + to_string(entity.network())
                             : corpus::to_string(AccountKey{entity.value});
}

std::string_view interned(std::string_view text) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> texts;  // a set's strings stay where they are
  const std::scoped_lock lock(mutex);
  return *texts.emplace(text).first;
}

}  // namespace stuffwatch::detectors
