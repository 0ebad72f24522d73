#include "daemon/commands/site_counts.h"

#include <charconv>
#include <string_view>

#include "corpus/list_input.h"
#include "daemon/json_view.h"

namespace stuffwatch::daemon {
namespace {

// "acct:0123456789abcdef", perhaps behind the id of a campaign.
bool parse_account(std::string_view text, std::uint64_t& out) {
  constexpr std::string_view kPrefix = "acct:";
  const std::size_t at = text.find(kPrefix);
  if (at == std::string_view::npos) return false;
  text.remove_prefix(at + kPrefix.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return text.size() == 16 && error == std::errc{} && end == text.data() + text.size();
}

bool is_recent(JsonElement record, std::string_view key, config::TimeMs since) {
  const auto time = config::parse_rfc3339(text_of(record, key));
  return time && *time >= since;
}

}  // namespace

config::Result<SiteCounter> SiteCounter::open(const std::filesystem::path& accounts,
                                              std::uint64_t key_check,
                                              const std::vector<std::string>& alerts,
                                              config::TimeMs now) {
  auto opened = corpus::AccountRegister::open(accounts, key_check);
  if (!opened) return std::unexpected(opened.error());
  SiteCounter counter(std::move(*opened));
  for (const std::string& file : alerts)
    if (auto read = counter.read(file, now - kLately); !read) return std::unexpected(read.error());
  counter.counts_.has_alerts = !alerts.empty();
  return counter;
}

// Every revision is the full state of its campaign, or of its account: all of them together are what the newest say, and more.
config::Result<void> SiteCounter::read(const std::string& file, config::TimeMs since) {
  if (std::error_code none; std::filesystem::is_empty(file, none)) return {};  // nobody yet
  auto input = corpus::ListInput::open({file});
  if (!input) return std::unexpected(input.error());
  simdjson::dom::parser parser;
  corpus::LineChunk chunk;
  for (;;) {
    auto more = (*input)->next(chunk);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    std::string_view rest = chunk.bytes;
    for (std::uint64_t line = chunk.first_line + 1; !rest.empty(); ++line) {
      const std::size_t end = rest.find('\n');
      const std::string_view text = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (text.empty()) continue;
      JsonElement record;
      const bool read = parser.parse(text).get(record) == simdjson::SUCCESS;
      const std::string_view schema = read ? text_of(record, "schema") : std::string_view{};
      std::uint64_t account = 0;
      if (schema == "stuffwatch.account/1") {
        if (is_recent(record, "time", since) && text_of(record, "state") != "cleared" &&
            parse_account(text_of(record, "id"), account))
          compromised_.insert(account), attacked_.insert(account);
      } else if (schema == "stuffwatch.alert/1") {
        if (!is_recent(record, "end_time", since)) continue;
        for (const JsonElement name : list_of(record, "accounts"))
          if (std::string_view key;
              name.get(key) == simdjson::SUCCESS && parse_account(key, account))
            attacked_.insert(account);
        if (const auto truncated = member_of(record, "truncated"))
          counts_.at_least = counts_.at_least || member_of(*truncated, "accounts").has_value();
      } else {
        return config::misconfigured(
            "{}:{}: neither an alert nor an account record of stuffwatch: --alerts takes "
            "alerts.jsonl and accounts.jsonl of the daemon",
            file, line);
      }
    }
  }
}

void SiteCounter::add(corpus::AccountKey account) {
  const corpus::RegisteredAccount* const own = accounts_.find(account);
  if (own == nullptr) return;
  ++counts_.in_dump;
  (accounts_.is_open(*own) ? counts_.active : counts_.closed) += 1;
  counts_.attacked += attacked_.contains(own->hash) ? 1U : 0U;
  counts_.compromised += compromised_.contains(own->hash) ? 1U : 0U;
}

}  // namespace stuffwatch::daemon
