#include "daemon/log.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "config/rfc3339.h"
#include "config/utf8.h"
#include "daemon/json_writer.h"
#include "daemon/terminal_output.h"

namespace stuffwatch::daemon {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};  // for a terminal that hangs

// Threads: one at a time, which the sink that it is part of sees to. A terminal that hangs is waited for once; until it takes a whole line again, what it
// does not take at once is lost.
class StandardError final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const auto patience = hangs_ ? std::chrono::milliseconds{0} : kPatience;
    hangs_ = !write_error(patience, {line.data(), line.size()});
  }
  void flush_() override {}

  bool hangs_ = false;
};

struct LogState {
  std::shared_ptr<spdlog::logger> logger;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> to;  // standard error, or what stands in for it
  std::atomic<LogFormat> format = LogFormat::kText;
};

// Made at the first use, by one thread (function-local static); spdlog's own default logger writes
// to standard output.
LogState& state() {
  static LogState* const instance = [] {
    static LogState made;
    made.to = std::make_shared<spdlog::sinks::dist_sink_mt>();
    made.to->add_sink(std::make_shared<StandardError>());
    made.logger = std::make_shared<spdlog::logger>("stuffwatch", made.to);
    made.logger->set_pattern("%v");
    made.logger->flush_on(spdlog::level::trace);
    return &made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

void append_text_value(std::string& out, const LogField& field) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:,@+[]").contains(c);
  };
  std::visit(
      [&](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
          if (!value.empty() && std::ranges::all_of(value, plain))
            out += value;
          else
            append_json_string(out, value);
        } else {
          out += fmt::format("{}", value);
        }
      },
      field.value);
}

}  // namespace

void LogConfig::visit(config::FieldVisitor& v) {
  v.field("format", format, "How a line of the log is written.",
          config::kLive | config::kOperational);
  v.field("level", level, "The least important lines that are written.",
          config::kLive | config::kOperational);
}

std::string format_log_line(LogFormat format, std::string_view time, LogLevel level,
                            std::string_view message, LogFields fields) {
  const std::string_view level_name = config::enum_name(level);
  if (format == LogFormat::kJson) {
    JsonWriter json;
    json.begin_object().field("time", time).field("level", level_name).field("message", message);
    for (const LogField& field : fields)
      std::visit([&](const auto& value) { json.field(field.key, value); }, field.value);
    return json.end_object().take();
  }
  std::string upper(level_name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  std::string out = fmt::format("{} {:<7} {}", time, upper, config::one_line(message));
  for (const LogField& field : fields) {
    (out += ' ').append(field.key) += '=';
    append_text_value(out, field);
  }
  return out;
}

void set_up_log(const LogConfig& config) {
  state().format = config.format;
  state().logger->set_level(spdlog_level(config.level));
}

struct LogTail::Kept {
  explicit Kept(std::size_t most_lines)
      : ring(std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(most_lines)) {
    ring->set_pattern("%v");
  }
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> ring;
  std::vector<spdlog::sink_ptr> before = state().to->sinks();
  bool instead = ::isatty(STDERR_FILENO) != 0;
};

LogTail::LogTail(std::size_t most_lines) : kept_(std::make_unique<Kept>(most_lines)) {
  std::vector<spdlog::sink_ptr> now;
  if (!kept_->instead) now = kept_->before;
  now.push_back(kept_->ring);
  state().to->set_sinks(std::move(now));
}

LogTail::~LogTail() {
  state().to->set_sinks(kept_->before);
  if (!kept_->instead) return;
  std::string kept;
  for (const std::string& line : kept_->ring->last_formatted()) kept += line;
  write_error(kPatience, kept);
}

std::vector<std::string> LogTail::newest(std::size_t lines) const {
  std::vector<std::string> newest = kept_->ring->last_formatted(lines);
  for (std::string& line : newest) line.pop_back();  // the line end
  return newest;
}

void log(LogLevel level, std::string_view message, LogFields fields) {
  LogState& log = state();
  if (!log.logger->should_log(spdlog_level(level))) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  log.logger->log(spdlog_level(level),
                  spdlog::string_view_t(format_log_line(log.format, config::format_rfc3339(now),
                                                        level, message, fields)));
}

}  // namespace stuffwatch::daemon
