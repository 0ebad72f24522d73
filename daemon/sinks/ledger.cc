#include "daemon/sinks/ledger.h"

#include <xxhash.h>

#include <algorithm>
#include <system_error>
#include <tuple>
#include <utility>

#include "config/durable_file.h"
#include "detectors/state/state_io.h"

namespace stuffwatch::daemon::sinks {
namespace {

using config::failed;
using config::Result;
using detectors::CampaignStatus;
using detectors::Feed;
using detectors::StateReader;
using detectors::StateWriter;

constexpr std::string_view kMagic = "stuffwatch.ledger/2\n";

bool is_open(const LedgerCampaign& campaign) {
  return campaign.last.status != CampaignStatus::kClosed;
}

// What goes first when there is too much: closed before open, old before new.
auto keep_order(const LedgerCampaign& campaign) {
  return std::tuple(is_open(campaign), campaign.sequence);
}

// What stands first when people look: open before closed, then the worse, then the newer.
auto worst_order(const LedgerCampaign& campaign) {
  return std::tuple(is_open(campaign), campaign.last.urgency, campaign.last.severity,
                    campaign.sequence);
}

// The campaigns in the order in which they go.
std::vector<LedgerCampaign*> oldest_closed_first(auto& campaigns) {
  std::vector<LedgerCampaign*> order;
  order.reserve(campaigns.size());
  for (auto& [id, campaign] : campaigns) order.push_back(&campaign);
  std::ranges::sort(order, {},
                    [](const LedgerCampaign* campaign) { return keep_order(*campaign); });
  return order;
}

}  // namespace

Result<void> Ledger::load() {
  std::error_code missing;
  if (!std::filesystem::exists(options_.file, missing) && !missing) return {};
  const auto bytes = config::read_file(options_.file);
  if (!bytes) return std::unexpected(bytes.error());
  auto state = parse(*bytes);
  if (!state) {
    std::filesystem::path aside = options_.file;
    aside += ".damaged";
    std::error_code error;
    std::filesystem::rename(options_.file, aside, error);
    options_.notice(
        NoticeLevel::kError,
        fmt::format("{}; it was set aside as {}, campaigns are learned again from the outbox",
                    state.error().message, aside.native()));
    return {};
  }
  saved_.with([&](auto& saved) { saved = state->position; });
  state_.with([&](State& current) { current = std::move(*state); });
  return {};
}

void Ledger::apply(std::span<const Entry> entries) {
  state_.with([&](State& state) {
    for (const Entry& entry : entries) apply_one(state, entry);
    if (state.campaigns.size() > options_.max_campaigns) evict(state);
    if (state.body_bytes > options_.max_body_bytes) drop_bodies(state);
  });
}

void Ledger::apply_one(State& state, const Entry& entry) const {
  if (entry.sequence <= state.position) return;
  state.position = entry.sequence;
  if (entry.revision.feed != Feed::kAlerts) return;
  const auto [at, is_new] = state.campaigns.try_emplace(entry.revision.id);
  LedgerCampaign& campaign = at->second;
  if (!is_new && entry.revision.revision <= campaign.last.revision) return;
  state.body_bytes -= campaign.last.body.size();
  state.body_bytes += entry.revision.body.size();
  if (is_new) campaign.opened = entry.revision.time;
  campaign.last = entry.revision;
  campaign.sequence = entry.sequence;
}

// An eighth at once, so that the sort is paid for by many records.
void Ledger::evict(State& state) const {
  const auto order = oldest_closed_first(state.campaigns);
  const std::size_t keep = options_.max_campaigns - options_.max_campaigns / 8;
  for (std::size_t i = 0; i + keep < order.size(); ++i) {
    if (is_open(*order[i])) ++state.evicted_open;
    state.body_bytes -= order[i]->last.body.size();
    const std::string id = order[i]->last.id;
    state.campaigns.erase(id);
  }
}

void Ledger::drop_bodies(State& state) const {
  const std::uint64_t keep = options_.max_body_bytes - options_.max_body_bytes / 8;
  for (LedgerCampaign* campaign : oldest_closed_first(state.campaigns)) {
    if (state.body_bytes <= keep) return;
    state.body_bytes -= campaign->last.body.size();
    std::string().swap(campaign->last.body);
  }
}

std::string Ledger::render(const State& state) {
  std::string out(kMagic);
  StateWriter writer(out);
  writer.put(state.position);
  writer.put(state.evicted_open);
  writer.put<std::uint64_t>(state.campaigns.size());
  std::vector<const LedgerCampaign*> order;
  for (const auto& [id, campaign] : state.campaigns) order.push_back(&campaign);
  std::ranges::sort(order, {}, &LedgerCampaign::sequence);
  for (const LedgerCampaign* campaign : order)
    writer.put(campaign->opened.time_since_epoch().count());
  for (const LedgerCampaign* campaign : order) {
    // Always fits: it came out of an outbox record.
    [[maybe_unused]] const bool fits =
        append_record(out, {.sequence = campaign->sequence, .revision = campaign->last});
  }
  StateWriter(out).put(XXH3_64bits(out.data(), out.size()));
  return out;
}

Result<Ledger::State> Ledger::parse(std::string_view bytes) const {
  const auto damaged = [&](std::string_view what) {
    return failed("{}: {}", options_.file.native(), what);
  };
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + sizeof(std::uint64_t))
    return damaged("is not a ledger of this version");
  const std::string_view content = bytes.substr(0, bytes.size() - sizeof(std::uint64_t));
  StateReader tail(bytes.substr(content.size()));
  if (tail.get<std::uint64_t>() != XXH3_64bits(content.data(), content.size()))
    return damaged("its checksum is wrong");
  State state;
  StateReader reader(content.substr(kMagic.size()));
  state.position = reader.get<std::uint64_t>();
  state.evicted_open = reader.get<std::uint64_t>();
  const auto count = reader.get<std::uint64_t>();
  std::vector<detectors::EventTime> opened;
  for (std::uint64_t i = 0; i < count && !reader.failed(); ++i)
    opened.emplace_back(detectors::EventTime::duration(reader.get<std::int64_t>()));
  if (reader.failed()) return damaged("it is cut short");
  RecordScanner records(
      content, kMagic.size() + 3 * sizeof(std::uint64_t) + opened.size() * sizeof(std::int64_t));
  for (std::size_t i = 0; auto entry = records.next(); ++i) {
    if (i >= opened.size()) return damaged("it holds more campaigns than it says");
    state.body_bytes += entry->revision.body.size();
    std::string id = entry->revision.id;
    state.campaigns.emplace(std::move(id),
                            LedgerCampaign{std::move(entry->revision), opened[i], entry->sequence});
  }
  if (state.campaigns.size() != opened.size()) return damaged("a campaign in it cannot be read");
  return state;
}

Result<void> Ledger::save() {
  return saved_.with([&](std::uint64_t& saved) -> Result<void> {
    std::uint64_t position = 0;
    const std::string bytes = state_.with([&](const State& state) {
      position = state.position;
      return render(state);
    });
    if (auto written = config::replace_file(options_.file, bytes); !written) return written;
    saved = position;
    return {};
  });
}

std::uint64_t Ledger::saved_position() const { return saved_.copy(); }

std::uint64_t Ledger::position() const {
  return state_.with([](const State& state) { return state.position; });
}

std::vector<LedgerCampaign> Ledger::campaigns() const {
  return state_.with([](const State& state) {
    std::vector<LedgerCampaign> list;
    list.reserve(state.campaigns.size());
    for (const auto& [id, campaign] : state.campaigns) {
      const detectors::Revision& last = campaign.last;
      list.push_back({{last.feed,
                       last.id,
                       last.revision,
                       last.time,
                       last.end_time,
                       last.severity,
                       last.urgency,
                       last.status,
                       last.reason,
                       last.attack,
                       last.tenant,
                       last.primary,
                       last.summary,
                       {}},
                      campaign.opened,
                      campaign.sequence});
    }
    std::ranges::sort(list, std::ranges::greater{}, worst_order);
    return list;
  });
}

Result<LedgerCampaign> Ledger::find(std::string_view id_prefix) const {
  return state_.with([&](const State& state) -> Result<LedgerCampaign> {
    const LedgerCampaign* found = nullptr;
    std::size_t count = 0;
    for (const auto& [id, campaign] : state.campaigns)
      if (id.starts_with(id_prefix)) {
        if (id == id_prefix) return campaign;
        found = &campaign;
        ++count;
      }
    if (count == 0) return failed("no campaign's id begins with {}", id_prefix);
    if (count > 1)
      return failed("{} campaigns' ids begin with {}: give more of it", count, id_prefix);
    return *found;
  });
}

std::vector<LedgerCampaign> Ledger::open_campaigns() const {
  return state_.with([](const State& state) {
    std::vector<LedgerCampaign> list;
    for (const auto& [id, campaign] : state.campaigns)
      if (is_open(campaign)) list.push_back(campaign);
    std::ranges::sort(list, {}, [](const LedgerCampaign& campaign) {
      return std::tuple(campaign.opened, std::string_view(campaign.last.id));
    });
    return list;
  });
}

LedgerUsage Ledger::usage() const {
  return state_.with([](const State& state) {
    const auto open = std::ranges::count_if(state.campaigns,
                                            [](const auto& item) { return is_open(item.second); });
    return LedgerUsage{state.campaigns.size(), static_cast<std::uint64_t>(open), state.body_bytes,
                       state.evicted_open};
  });
}

}  // namespace stuffwatch::daemon::sinks
