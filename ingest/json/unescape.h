// JSON string escapes (RFC 8259, section 7).
#pragma once

#include <cstdint>
#include <string_view>

#include "ingest/raw_login.h"

namespace stuffwatch::ingest::json {

// Writes what `body` (between the quotes) stands for to `out`, which must hold body.size() bytes,
// and moves `out` behind it. `out` may be null: then the escapes are checked and nothing is
// written. Errors: kNotJson for an unknown or cut escape, kInvalidUtf8 for half a surrogate pair,
// which no UTF-8 can say.
[[nodiscard]] Reject unescape(std::string_view body, char*& out);

}  // namespace stuffwatch::ingest::json
