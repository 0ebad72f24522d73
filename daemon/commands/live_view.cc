#include "daemon/commands/live_view.h"

#include <csignal>

#include <chrono>
#include <utility>

#include <unistd.h>

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kKeptLogLines = 200;
constexpr std::chrono::milliseconds kEvery = 1s, kLook = 200ms;  // drawn; the window looked at

}  // namespace

LiveView::LiveView(Ask ask)
    : ask_(std::move(ask)),
      log_(kKeptLogLines),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void LiveView::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::chrono::steady_clock::time_point next{};
  TextStyle drawn;
  do {
    const auto now = std::chrono::steady_clock::now();
    const TextStyle style = style_of_stdout();
    if (now < next && style == drawn) continue;
    drawn = style, next = now + kEvery;
    if (!terminal_.show(page(style))) {
      ::kill(::getpid(), SIGTERM);
      return;
    }
  } while (!wake_.wait_for(lock, stop, kLook, [&] { return stop.stop_requested(); }));
}

std::string LiveView::page(const TextStyle& style) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto status = ask_("/api/v1/status"), campaigns = ask_("/api/v1/campaigns?limit=100");
  if (status) logins_.add(*status);
  const auto page =
      !status ? std::unexpected(status.error())
      : !campaigns
          ? std::unexpected(campaigns.error())
          : render_watch({*status, *campaigns, logins_, log_.newest(kKeptLogLines), now}, style);
  return page ? *page : render_no_answer(page.error().message, style);
}

}  // namespace stuffwatch::daemon
