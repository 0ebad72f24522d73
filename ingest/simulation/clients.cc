#include "ingest/simulation/clients.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "ingest/simulation/prng.h"

namespace stuffwatch::ingest::simulation {
namespace {

std::uint64_t text_number(std::string_view text) {
  std::uint64_t number = text.size();
  for (const char c : text) number = mix(number ^ static_cast<unsigned char>(c));
  return number;
}

// a_b_c of JA4: protocol, counts and ALPN are the engine's, cipher hash the engine's, extension
// hash changes with the version.
std::string fingerprint(std::string_view prefix, std::uint64_t engine, std::uint64_t version) {
  constexpr std::uint64_t k48 = (std::uint64_t{1} << 48) - 1;
  return fmt::format("{}_{:012x}_{:012x}", prefix, mix(engine, 1) & k48,
                     mix(engine, 2, version / 4) & k48);
}

}  // namespace

Clients::Clients() {
  const char* const webkit = "t13d2014h2";
  const char* const chromium = "t13d1516h2";
  const char* const gecko = "t13d1717h2";
  add(desktop_,
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/#.0.0.0 Safari/537.36",
      chromium, 145, 6, 440);
  add(desktop_,
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/#.0.0.0 Safari/537.36 Edg/#.0.0.0",
      chromium, 145, 4, 160);
  add(desktop_,
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/#.0.0.0 Safari/537.36",
      chromium, 145, 5, 130);
  add(desktop_,
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
      "Version/18.# Safari/605.1.15",
      webkit, 6, 5, 110);
  add(desktop_, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:#.0) Gecko/20100101 Firefox/#.0",
      gecko, 147, 6, 90);
  add(desktop_, "Mozilla/5.0 (X11; Linux x86_64; rv:#.0) Gecko/20100101 Firefox/#.0", gecko, 147, 6,
      30);
  add(desktop_,
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/#.0.0.0 "
      "Safari/537.36",
      chromium, 145, 5, 40);
  add(phone_,
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_# like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
      "Gecko) Version/18.# Mobile/15E148 "
      "Safari/604.1",
      webkit, 6, 7, 420);
  add(phone_,
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/#.0.0.0 "
      "Mobile Safari/537.36",
      chromium, 145, 7, 430);
  add(phone_,
      "Mozilla/5.0 (Linux; Android 15; SAMSUNG SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) "
      "SamsungBrowser/#.0 Chrome/136.0.0.0 "
      "Mobile Safari/537.36",
      chromium, 28, 4, 110);
  add(phone_, "Mozilla/5.0 (Android 15; Mobile; rv:#.0) Gecko/#.0 Firefox/#.0", gecko, 147, 5, 40);
  add(app_, "ShopApp/9.#.2 (iPhone16,2; iOS 18.5)", "t13d1715h2", 14, 8, 500);
  add(app_, "ShopApp/9.#.2 (Pixel 8; Android 15)", "t13d1312h2", 14, 8, 500);
  add(tool_,
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/#.0.4430.212 Safari/537.36",
      "t12d1909h1", 90, 1, 10);
  add(tool_, "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:#.0) Gecko/20100101 Firefox/#.0", "t13d4907h2",
      78, 1, 10);
  add(tool_,
      "Mozilla/5.0 (Linux; Android 9; SM-G960F) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/#.0.3945.93 Mobile Safari/537.36",
      "t13i1811h1", 79, 1, 10);
}

void Clients::add(Lottery& lottery, const char* pattern, const char* ja4_prefix,
                  std::uint32_t newest, std::uint32_t versions, std::uint32_t weight) {
  const std::uint64_t engine = text_number(ja4_prefix);
  for (std::uint32_t age = 0; age < versions; ++age) {
    const std::uint32_t version = newest - age;
    Client client{.user_agent = {}, .ja4 = fingerprint(ja4_prefix, engine, version)};
    for (const char c : std::string_view(pattern)) {
      if (c == '#')
        client.user_agent += std::to_string(version);
      else
        client.user_agent.push_back(c);
    }
    // The newest two thirds, the one before most of the rest, and so on.
    const std::uint32_t share =
        std::max<std::uint32_t>(1, weight * 1000 * 2 / 3 >> (age + age / 2));
    lottery.push_back(
        {(lottery.empty() ? 0 : lottery.back().up_to) + share, static_cast<ClientId>(all_.size())});
    all_.push_back(std::move(client));
  }
}

ClientId Clients::pick(const Lottery& lottery, std::uint64_t property) {
  const std::uint32_t drawn = reduce(property, lottery.back().up_to);
  return std::ranges::upper_bound(lottery, drawn, {}, &Ticket::up_to)->client;
}

}  // namespace stuffwatch::ingest::simulation
