// The result of a triage for people and for programs: a paragraph and tables, and JSON (the page is made of the same: triage_page.h).
//
// Nothing in it names an account, and nothing says more than shares do: what a dump is consistent with, never that it is what somebody claims.
// Names of lists come from whoever added them, and are made harmless. Cost: for a person's patience. Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "corpus/triage.h"
#include "daemon/commands/render.h"
#include "daemon/commands/site_counts.h"

namespace stuffwatch::daemon {

struct TriageReport {
  corpus::Triage result;
  std::string dump;           // as it was named
  std::string time;           // RFC 3339, when it was read
  std::string corpus_digest;  // Corpus::digest()
  double population = 8e9;    // mailboxes of the world: what a share by chance is taken of
  std::optional<SiteCounts> site = std::nullopt;
};

// The issue of all of it in some sentences, plain text in one line.
[[nodiscard]] std::string triage_paragraph(const TriageReport& report);

// Whose dump, when, against what: label and value, one line each.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> triage_header(
    const TriageReport& report);

// Text is harmless, but not escaped for HTML.
struct TriageSection {
  std::string title;
  Table table;
  std::vector<double> bars;  // of each row, 0 to 1; empty: none
  std::string note;          // below the table; may be empty
};
[[nodiscard]] std::vector<TriageSection> triage_sections(const TriageReport& report);

// Paragraph, header and sections.
[[nodiscard]] std::string triage_text(const TriageReport& report, const TextStyle& style);
[[nodiscard]] std::string triage_json(const TriageReport& report);

}  // namespace stuffwatch::daemon
