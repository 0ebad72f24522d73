#include "ingest/simulation/scenario_writer.h"

#include <string>
#include <system_error>
#include <unordered_set>
#include <vector>

#include "config/output_file.h"
#include "config/rfc3339.h"
#include "ingest/simulation/native_json.h"

namespace stuffwatch::ingest::simulation {
namespace {

namespace fs = std::filesystem;
using config::OutputFile;
using config::Result;

constexpr std::uint64_t kEventsAProgress = 4096;

// What the labels say about one campaign, gathered while its attempts pass.
struct Truth {
  EventTime start{}, end{};
  std::vector<std::uint64_t> numbers;
  std::vector<PersonId> accounts, compromised;
  std::unordered_set<PersonId> seen;

  void add(const Attempt& attempt, std::uint64_t number) {
    if (numbers.empty()) start = attempt.time;
    end = attempt.time;
    numbers.push_back(number);
    if (seen.insert(attempt.person).second) accounts.push_back(attempt.person);
    if (attempt.outcome == Outcome::kSuccess) compromised.push_back(attempt.person);
  }
};

template <class Range, class Append>
void append_array(std::string& out, std::string_view name, const Range& range, Append append) {
  out.append(",\n   \"").append(name).append("\": [");
  bool first = true;
  for (const auto& item : range) {
    out.append(first ? "\"" : ",\"");
    append(item);
    out.push_back('"');
    first = false;
  }
  out.push_back(']');
}

void append_campaign(std::string& out, const Campaign& campaign, const Truth& truth,
                     const Plan& plan, const NativeJson& json) {
  const auto name = [&](PersonId person) { plan.world->names().append(out, person); };
  out.append("  {\"id\": \"").append(campaign.id).append("\"");
  append_array(out, "techniques", campaign.techniques,
               [&](std::string_view text) { out.append(text); });
  if (!campaign.list.empty()) out.append(",\n   \"list\": \"").append(campaign.list).append("\"");
  out.append(",\n   \"ordered\": ").append(campaign.ordered ? "true" : "false");
  if (!truth.numbers.empty()) {
    out.append(",\n   \"start\": \"").append(config::format_rfc3339(truth.start));
    out.append("\", \"end\": \"").append(config::format_rfc3339(truth.end)).append("\"");
  }
  out.append(",\n   \"attempts\": ").append(std::to_string(truth.numbers.size()));
  append_array(out, "event_ids", truth.numbers,
               [&](std::uint64_t number) { json.append_event_id(out, number); });
  append_array(out, "accounts", truth.accounts, name);
  append_array(out, "compromised", truth.compromised, name);
  out.push_back('}');
}

Result<void> write_text(const fs::path& path, std::string_view text) {
  auto file = OutputFile::open(path);
  if (!file) return std::unexpected(file.error());
  file->write(text);
  return file->finish();
}

Result<void> write_labels(const fs::path& path, const ScenarioInfo& scenario, const Plan& plan,
                          const std::vector<Truth>& truths, const NativeJson& json,
                          const Written& written) {
  std::string out = "{\"scenario\": \"" + std::string(scenario.name) + "\", \"kind\": \"";
  out += scenario.kind == ScenarioKind::kAttack ? "attack" : "benign";
  out += "\", \"events\": " + std::to_string(written.events) +
         ", \"benign_events\": " + std::to_string(written.benign_events);
  out +=
      ", \"max_alerts_allowed\": " + std::to_string(plan.campaigns.size()) + ",\n \"campaigns\": [";
  for (std::size_t i = 0; i < truths.size(); ++i) {
    out += i == 0 ? "\n" : ",\n";
    append_campaign(out, plan.campaigns[i], truths[i], plan, json);
  }
  out += "]}\n";
  return write_text(path, out);
}

Result<void> write_site(const fs::path& path) {
  return write_text(path, "{\"trusted_sources\": [\"" + std::string(kMonitoringNetwork) +
                              "\"], \"tenants\": [\"" + std::string(kTenant) + "\"]}\n");
}

Result<void> write_list(const fs::path& path, const World& world, const BreachList& list) {
  auto file = OutputFile::open(path);
  if (!file) return std::unexpected(file.error());
  std::string text;
  for (std::uint32_t line = 0; line < list.lines(); ++line) {
    text.clear();
    world.names().append(text, list.person(line));
    text.push_back('\n');
    file->write(text);
  }
  return file->finish();
}

Result<void> write_lists(const World& world,
                         const std::vector<std::shared_ptr<const BreachList>>& lists,
                         const fs::path& folder) {
  for (const auto& list : lists)
    if (auto done = write_list(folder / (list->name() + ".txt"), world, *list); !done) return done;
  return {};
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return config::failed("cannot make the folder {}: {}", folder.string(), error.message());
  return {};
}

Result<Written> write_events(const fs::path& path, Plan& plan, const NativeJson& json,
                             std::vector<Truth>& truths, const WriteProgress& progress) {
  auto file = OutputFile::open(path);
  if (!file) return std::unexpected(file.error());
  Written written;
  std::string text;
  for (; written.events < plan.most_events && !file->failed(); ++written.events) {
    const auto time = plan.stream.next_time();
    if (!time || *time >= plan.end) break;
    const Attempt attempt = plan.stream.take();
    text.clear();
    json.append(text, attempt, written.events);
    text.push_back('\n');
    file->write(text);
    if (attempt.campaign == Attempt::kBenign)
      ++written.benign_events;
    else
      truths[attempt.campaign].add(attempt, written.events);
    written.bytes = file->bytes();
    if (written.events % kEventsAProgress == 0 && progress && !progress(written))
      return config::failed("interrupted before {} was whole", path.native());
  }
  if (auto done = file->finish(); !done) return std::unexpected(done.error());
  return written;
}

}  // namespace

Result<void> prepare_folder(const fs::path& folder, bool force) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error))
    return config::misconfigured("{} is not a folder; choose another", folder.string());
  if (!force && fs::is_directory(folder, error) && !fs::is_empty(folder, error))
    return config::misconfigured("{} is not empty; choose another, or --force to write over it",
                                 folder.string());
  return make_folder(folder);
}

Result<Written> write_scenario(const ScenarioInfo& scenario, std::uint64_t seed, Scale scale,
                               const fs::path& folder, const WriteProgress& progress) {
  Plan plan = scenario.plan(seed, scale);
  const NativeJson json(*plan.world, mix(seed, 0x72756e,
                                         scenario.name.size() << 8 |
                                             static_cast<unsigned char>(scenario.name.back())));
  std::vector<Truth> truths(plan.campaigns.size());
  const fs::path home = folder / scenario.name;
  for (const fs::path& needed : {home, folder / "lists"})
    if (auto made = make_folder(needed); !made) return std::unexpected(made.error());

  if (auto done = write_lists(*plan.world, plan.lists, folder / "lists"); !done)
    return std::unexpected(done.error());
  auto written = write_events(home / "events.ndjson", plan, json, truths, progress);
  if (!written) return written;
  if (auto done = write_labels(home / "labels.json", scenario, plan, truths, json, *written); !done)
    return std::unexpected(done.error());
  if (auto done = write_site(home / "site.json"); !done) return std::unexpected(done.error());
  return written;
}

Result<void> write_lists(std::uint64_t seed, Scale scale, const fs::path& folder) {
  if (auto made = make_folder(folder); !made) return made;
  const World world(site(seed, scale));
  return write_lists(world, leaked_lists(world.config(), scale), folder);
}

}  // namespace stuffwatch::ingest::simulation
