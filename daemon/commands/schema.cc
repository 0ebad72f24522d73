// stuffwatch schema: what the configuration, the events that we read and the records that we write look like.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/printers.h"
#include "daemon/commands/command.h"
#include "daemon/config.h"
#include "daemon/metrics.h"
#include "schema_texts.h"

namespace stuffwatch::daemon {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kTexts{
    {{"event", schemas::kEvent}, {"alert", schemas::kAlert}, {"account", schemas::kAccount}}};

struct SchemaOptions {
  std::string name;
  bool markdown = false;
};

config::Result<int> schema(const SchemaOptions& options) {
  if (options.markdown != (options.name == "metrics"))
    return config::misconfigured("schema metrics is printed with --markdown, the others without");
  if (options.markdown) fmt::print("{}", metrics_markdown());
  if (options.name == "config") {
    Config defaults;
    fmt::print("{}", config::print_schema(defaults, "stuffwatch configuration"));
  }
  for (const auto& [name, text] : kTexts)
    if (options.name == name) fmt::print("{}", text);
  return 0;
}

}  // namespace

void add_schema(CLI::App& app, int& exit_code) {
  auto o = std::make_shared<SchemaOptions>();
  CLI::App* command = app.add_subcommand(
      "schema", "JSON Schema of configuration, events, alerts, accounts; the table of metrics");
  command->add_option("NAME", o->name, "config, event, alert, account or metrics")
      ->required()
      ->check(CLI::IsMember({"config", "event", "alert", "account", "metrics"}));
  command->add_flag("--markdown", o->markdown, "As a document (metrics)");
  command->callback([&exit_code, o] {
    auto done = schema(*o);
    exit_code = done ? *done : report(done.error());
  });
}

}  // namespace stuffwatch::daemon
