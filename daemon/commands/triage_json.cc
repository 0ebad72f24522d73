// A triage for programs; the names are those of docs/triage.md, and do not change.
#include "corpus/raw_file.h"
#include "daemon/commands/corpus_options.h"
#include "daemon/commands/triage_report.h"
#include "daemon/commands/triage_words.h"
#include "daemon/json_writer.h"

namespace stuffwatch::daemon {
namespace {

using corpus::Triage;
using corpus::TriagedList;

void add_lists(JsonWriter& json, const TriageReport& report) {
  const Triage& result = report.result;
  json.key("lists").begin_array();
  for (const TriagedList& list : result.lists) {
    const corpus::Interval interval = corpus::wilson_interval(list.accounts, result.accounts);
    json.begin_object().field("name", list.name);
    json.text_field("date", list_date_text(list.date)).field("list_accounts", list.held);
    json.field("accounts", list.accounts).field("share", share_of(list.accounts, result.accounts));
    json.key("interval").begin_array().value(interval.low).value(interval.high).end_array();
    json.field("expected_share", expected_share(list, report.population));
    if (list.order) {
      json.field("in_order_share", in_order_share(list.order->matches));
      json.field("reverse_order_share", reverse_order_share(list.order->matches));
      json.field("consecutive_matches", list.order->matches.pairs);
      if (list.order->ordering != list.name) json.field("ordering", list.order->ordering);
    }
    json.end_object();
  }
  json.end_array().key("explained_by").begin_array();
  for (const auto& [place, so_far] : result.explained_by)
    json.begin_object()
        .field("name", result.lists[place].name)
        .field("share_so_far", share_of(so_far, result.accounts))
        .end_object();
  json.end_array().field("explained_by_exact", result.explained_exactly);
}

void add_counts(JsonWriter& json, const Triage& result) {
  json.field("lines", result.lines).field("valid", result.tally.valid);
  json.key("invalid").begin_object();
  corpus::for_each_reject(result.tally.rejected, [&](std::string_view reason, std::uint64_t lines) {
    json.field(reason, lines);
  });
  json.end_object().field("duplicates", result.duplicates).field("accounts", result.accounts);
  json.field("new_accounts", result.accounts - result.known);
  json.field("known_accounts", result.known);
  const corpus::Interval known = corpus::wilson_interval(result.known, result.accounts);
  json.field("known_share", share_of(result.known, result.accounts));
  json.key("known_interval").begin_array().value(known.low).value(known.high).end_array();
  json.field("accounts_are", result.of_addresses ? "email" : "user_name");
  if (result.names_apart.lines != 0)
    json.key("user_names")
        .begin_object()
        .field("lines", result.names_apart.lines)
        .field("accounts", result.names_apart.accounts)
        .field("known_accounts", result.names_apart.known)
        .end_object();
}

void add_site(JsonWriter& json, const SiteCounts& site) {
  json.key("site").begin_object().field("in_dump", site.in_dump).field("active", site.active);
  json.field("closed", site.closed);
  if (site.has_alerts)
    json.field("attacked_30d", site.attacked)
        .field("likely_compromised", site.compromised)
        .field("at_least", site.at_least);
  json.end_object();
}

}  // namespace

std::string triage_json(const TriageReport& report) {
  const Triage& result = report.result;
  JsonWriter json;
  json.begin_object().field("summary", triage_paragraph(report));
  add_counts(json, result);
  add_lists(json, report);
  json.key("domains").begin_array();
  for (const Triage::Domain& domain : result.domains)
    json.begin_object().field("name", domain.name).field("accounts", domain.accounts).end_object();
  json.end_array().field("domains_exact", result.domains_exact);
  if (report.site) add_site(json, *report.site);
  json.field("dump", report.dump).field("format", result.format).field("time", report.time);
  json.field("dump_sha256", corpus::hex(result.sha256));
  json.field("corpus_digest", report.corpus_digest).field("population", report.population);
  return json.field("sampled", false).end_object().take();
}

}  // namespace stuffwatch::daemon
