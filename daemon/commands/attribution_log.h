// Which event belongs to which campaign, under final ids: known only at the end, so every event's keys are kept in a temporary file until then.
// Threads: none. Memory: a buffer; the file takes 64 bytes and the event id per event.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "detectors/campaigns/campaigns.h"

namespace stuffwatch::daemon {

class AttributionLog {
 public:
  void add(std::span<detectors::LoginEvent* const> events);
  // One JSON line an event that belongs to a campaign, in order of seq.
  void write(const detectors::Campaigns& campaigns,
             const std::function<void(std::string_view)>& line);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace stuffwatch::daemon
