// What the tests of the sinks' room share: a folder of their own, revisions, a clock that is moved by hand.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/sinks/outbox.h"
#include "daemon/sinks/sink.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::daemon::sinks {

using namespace std::chrono_literals;
using detectors::CampaignStatus;
using detectors::Feed;
using detectors::Revision;

class SinksTest : public testing::Test {
 protected:
  NoticeSink notices() {
    return [this](NoticeLevel, const std::string& text) {
      const std::scoped_lock lock(mutex_);
      said_ += text + "\n";
    };
  }
  std::string said() {
    const std::scoped_lock lock(mutex_);
    return said_;
  }
  WallClock clock() {
    return [this] { return now.load(); };
  }

  const test::TemporaryFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  std::atomic<WallTime> now{WallTime(std::chrono::hours(24 * 365 * 50))};

 private:
  std::mutex mutex_;
  std::string said_;
};

inline Revision make_revision(const std::string& id, std::uint32_t number,
                              std::size_t padding = 0) {
  Revision revision;
  revision.id = id;
  revision.revision = number;
  revision.time = detectors::EventTime(std::chrono::milliseconds(1'700'000'000'000 + number));
  revision.end_time = revision.time;
  revision.severity = detectors::Severity::kMedium;
  revision.urgency = detectors::Urgency::kTicket;
  revision.status = number == 1 ? CampaignStatus::kOpen : CampaignStatus::kUpdated;
  revision.tenant = "eu";
  revision.primary = "net:192.0.2.7/32";
  revision.summary = "what happened";
  revision.body = R"({"id":")" + id + R"(","revision":)" + std::to_string(number) + R"(,"pad":")" +
                  std::string(padding, 'x') + R"("})";
  return revision;
}

inline std::string label(const Revision& revision) {
  return revision.id + "/" + std::to_string(revision.revision);
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

inline void spill(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::unique_ptr<Outbox> must_open(OutboxOptions options) {
  auto outbox = Outbox::open(std::move(options));
  if (!outbox) throw std::runtime_error(outbox.error().message);
  return std::move(*outbox);
}

// Appends and waits until it is on the disk.
inline void say(Outbox& outbox, const std::vector<Revision>& revisions) {
  const auto sequence = outbox.append(revisions);
  ASSERT_TRUE(sequence) << sequence.error().message;
  const auto durable = outbox.wait_durable(*sequence, 60s);
  ASSERT_TRUE(durable) << durable.error().message;
}

inline std::vector<std::string> read_all(Outbox& outbox, std::uint64_t cursor = 0) {
  std::vector<std::string> labels;
  const auto reader = outbox.attach("test", cursor);
  for (;;) {
    const auto entries = reader->next(3, 1 << 20);
    EXPECT_TRUE(entries);
    if (!entries || entries->empty()) return labels;
    for (const Entry& entry : *entries) labels.push_back(label(entry.revision));
  }
}

inline std::vector<std::filesystem::path> segments_of(const std::filesystem::path& outbox) {
  std::vector<std::filesystem::path> paths;
  for (const auto& item : std::filesystem::directory_iterator(outbox))
    if (item.path().extension() == ".seg") paths.push_back(item.path());
  std::ranges::sort(paths);
  return paths;
}

// Takes everything, or nothing while `down`; `at_most` a call.
class FakeSink final : public Sink {
 public:
  struct Book {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> taken;
    std::size_t settled = 0;  // how many of taken when last settled
    bool down = false;
    std::size_t calls = 0, checks = 0;
    std::size_t at_most = 1000;

    std::vector<std::string> labels() {
      const std::scoped_lock lock(mutex);
      return taken;
    }
    bool wait_for(std::size_t count) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, 60s, [&] { return taken.size() >= count; });
    }
    bool wait_for_checks(std::size_t count) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, 60s, [&] { return checks >= count; });
    }
    bool wait_for_calls(std::size_t count) {
      std::unique_lock lock(mutex);
      return changed.wait_for(lock, 60s, [&] { return calls >= count; });
    }
  };

  explicit FakeSink(Book& book) : book_(book) {}
  config::Result<Delivered> deliver(std::span<const Revision> revisions) override {
    const std::scoped_lock lock(book_.mutex);
    ++book_.calls;
    book_.changed.notify_all();
    if (book_.down) return config::failed("the receiver is down");
    const std::size_t count = std::min(book_.at_most, revisions.size());
    for (const Revision& revision : revisions.first(count)) book_.taken.push_back(label(revision));
    return Delivered{.count = count, .problem = count < revisions.size() ? "it takes no more" : ""};
  }
  config::Result<void> check(const std::stop_token& /*stop*/) override {
    const std::scoped_lock lock(book_.mutex);
    ++book_.checks;
    book_.changed.notify_all();
    return book_.down ? config::failed("the receiver is down") : config::Result<void>{};
  }
  config::Result<void> settle() override {
    const std::scoped_lock lock(book_.mutex);
    book_.settled = book_.taken.size();
    return {};
  }

 private:
  Book& book_;
};

}  // namespace stuffwatch::daemon::sinks
