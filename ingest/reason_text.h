// Why a log-in failed, out of the words and codes that products use for it.
//
// Threads: none. Cost: a comparison when the text is the last one again, else about 300 ns.
#pragma once

#include <string>
#include <string_view>

#include "ingest/raw_login.h"

namespace stuffwatch::ingest {

class ReasonReader {
 public:
  // kNone for an empty text; kOther for one that says nothing we know.
  [[nodiscard]] FailureReason operator()(std::string_view text);

 private:
  std::string last_text_;
  FailureReason last_ = FailureReason::kNone;
};

}  // namespace stuffwatch::ingest
