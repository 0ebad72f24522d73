#include "daemon/process_metrics.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

namespace stuffwatch::daemon {
namespace {

std::string read_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The n-th blank-separated word, from 0.
std::optional<double> number_at(std::string_view text, int n) {
  for (; n > 0; --n) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    text.remove_prefix(blank + 1);
  }
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
    return std::nullopt;
  return static_cast<double>(value);
}

void append(std::vector<prometheus::MetricFamily>& families, const char* name, const char* help,
            prometheus::MetricType type, std::optional<double> value) {
  if (!value) return;
  prometheus::ClientMetric metric;
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
  families.push_back({name, help, type, {std::move(metric)}});
}

std::optional<double> boot_time() {
  const std::string stat = read_text("/proc/stat");
  const std::size_t at = stat.find("\nbtime ");
  return at == std::string::npos ? std::nullopt
                                 : number_at(std::string_view(stat).substr(at + 1), 1);
}

std::optional<double> open_files() {
  std::error_code error;
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd", error);
  if (error) return std::nullopt;
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

}  // namespace

void append_process_metrics(std::vector<prometheus::MetricFamily>& families) {
  using enum prometheus::MetricType;
  const std::string stat = read_text("/proc/self/stat");
  const std::size_t name_end = stat.rfind(") ");  // the program's name may hold blanks
  if (name_end == std::string::npos) return;
  const std::string_view fields =
      std::string_view(stat).substr(name_end + 2);  // field 3 of proc(5) is word 0
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK)),
               page = static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto user = number_at(fields, 11), system = number_at(fields, 12),
             start = number_at(fields, 19), resident = number_at(fields, 21);
  const auto boot = boot_time();

  if (user && system)
    append(families, "process_cpu_seconds_total", "User and system CPU time spent.", Counter,
           (*user + *system) / ticks);
  if (boot && start)
    append(families, "process_start_time_seconds", "Start of the process.", Gauge,
           *boot + *start / ticks);
  if (resident)
    append(families, "process_resident_memory_bytes", "Resident memory.", Gauge, *resident * page);
  append(families, "process_virtual_memory_bytes", "Virtual memory.", Gauge, number_at(fields, 20));
  append(families, "process_threads", "Threads.", Gauge, number_at(fields, 17));
  append(families, "process_open_fds", "Open file descriptors.", Gauge, open_files());
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    append(families, "process_max_fds", "Most file descriptors that may be open.", Gauge,
           static_cast<double>(files.rlim_cur));
}

}  // namespace stuffwatch::daemon
