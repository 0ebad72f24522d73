#include "daemon/sinks/cursor_file.h"

#include <xxhash.h>

#include <charconv>
#include <string>
#include <system_error>

#include "config/durable_file.h"

namespace stuffwatch::daemon::sinks {
namespace {

std::string render(std::uint64_t cursor) {
  const std::string text = fmt::format("stuffwatch.cursor/1 {}", cursor);
  return fmt::format("{} {:016x}\n", text, XXH3_64bits(text.data(), text.size()));
}

}  // namespace

config::Result<std::uint64_t> read_cursor(const std::filesystem::path& file,
                                          const NoticeSink& notice) {
  std::error_code missing;
  if (!std::filesystem::exists(file, missing) && !missing) return 0;
  const auto text = config::read_file(file);
  if (!text) return std::unexpected(text.error());
  std::uint64_t cursor = 0;
  if (const std::size_t blank = text->find(' '); blank != std::string::npos)
    std::from_chars(text->data() + blank + 1, text->data() + text->size(), cursor);
  if (*text == render(cursor)) return cursor;
  notice(
      NoticeLevel::kWarning,
      fmt::format("{} is damaged: the sink gets again what the outbox still holds", file.native()));
  return 0;
}

config::Result<void> write_cursor(const std::filesystem::path& file, std::uint64_t cursor) {
  return config::replace_file(file, render(cursor));
}

}  // namespace stuffwatch::daemon::sinks
