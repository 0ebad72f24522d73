// The daemon's log: one line an event, on standard error; text for people or JSON for a collector.
//   log_info("checkpoint written", {{"bytes", bytes}, {"seconds", seconds}});
// Threads: any, once set_up_log() has been called (before the first other thread). Cost: nothing is
// formatted below the level. What is not visible is replaced in messages and escaped in values:
// nobody's user name can start a line of its own, or turn one round.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/field_visitor.h"

namespace stuffwatch::daemon {

enum class LogFormat : std::uint8_t { kText, kJson };
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogConfig {
  LogFormat format = LogFormat::kText;
  LogLevel level = LogLevel::kInfo;

  void visit(config::FieldVisitor& v);
};

// A key with a text, whole number, real or bool. Views are read before the call returns.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  LogField(std::string_view name, std::same_as<bool> auto truth) : key(name), value(truth) {}
  template <std::signed_integral I>
  LogField(std::string_view name, I number) : key(name), value(std::int64_t{number}) {}
  template <std::unsigned_integral I>
    requires(!std::same_as<I, bool>)
  LogField(std::string_view name, I number) : key(name), value(std::uint64_t{number}) {}
};
using LogFields = std::initializer_list<LogField>;

// Also for a reload. Without it: text, info.
void set_up_log(const LogConfig& config);

void log(LogLevel level, std::string_view message, LogFields fields = {});
inline void log_debug(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kDebug, message, fields);
}
inline void log_info(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kInfo, message, fields);
}
inline void log_warning(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kWarning, message, fields);
}
inline void log_error(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kError, message, fields);
}

// While it lives, the newest lines are kept instead of written, for whoever draws on the terminal
// that they would go to; a standard error that is no terminal gets every line all the same. Its end
// writes what was kept, as far as the terminal takes it within a second. Threads: any. One at a time.
class LogTail {
 public:
  explicit LogTail(std::size_t most_lines);
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;
  [[nodiscard]] std::vector<std::string> newest(std::size_t lines) const;

 private:
  struct Kept;
  std::unique_ptr<Kept> kept_;
};

// The line without its newline, as log() writes it at `time` (RFC 3339).
[[nodiscard]] std::string format_log_line(LogFormat format, std::string_view time, LogLevel level,
                                          std::string_view message, LogFields fields);

}  // namespace stuffwatch::daemon

template <>
struct stuffwatch::config::EnumNames<stuffwatch::daemon::LogFormat> {
  using enum stuffwatch::daemon::LogFormat;
  static constexpr EnumName<stuffwatch::daemon::LogFormat> kValues[] = {
      {kText, "text", "time, level, message, key=value"},
      {kJson, "json", "one JSON object a line"},
  };
};
template <>
struct stuffwatch::config::EnumNames<stuffwatch::daemon::LogLevel> {
  using enum stuffwatch::daemon::LogLevel;
  static constexpr EnumName<stuffwatch::daemon::LogLevel> kValues[] = {
      {kDebug, "debug", "everything"},
      {kInfo, "info", "start, stop, alerts, checkpoints that were refused"},
      {kWarning, "warning", "what needs a look"},
      {kError, "error", "what does not work"},
  };
};
