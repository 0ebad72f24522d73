// From an export of the site's directory to its register of accounts.
//
// Threads: the caller's. Memory: that of AccountRegisterWriter. Cost: about 450 ns a row of five columns in all.
// Errors:  those of ListInput, AccountColumns (naming file and line) and AccountRegisterWriter; an export without an account. After an error or a stop the
// register is as it was.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/result.h"
#include "corpus/account_columns.h"
#include "corpus/account_key.h"
#include "corpus/account_register.h"
#include "corpus/list_input.h"

namespace stuffwatch::corpus {

struct LoadedAccounts {
  RegisterSource source;
  AccountColumns columns;                   // of the first text
  std::array<std::string, 16> first_place;  // by AccountReject: file:line of the first such row
  bool stopped = false;
  [[nodiscard]] std::uint64_t rejected() const;
};

// In the caller's thread, for every chunk: rows and bytes so far. False: stop.
using OnLoadProgress = std::function<bool(std::uint64_t rows, std::uint64_t bytes)>;

// Nothing for the columns: each text has a header, or is a name a line.
[[nodiscard]] config::Result<LoadedAccounts> load_accounts(
    ListInput& input, const AccountHasher& hasher, const std::optional<AccountColumns>& columns,
    config::TimeMs now, const std::filesystem::path& folder, const OnLoadProgress& on_progress);

}  // namespace stuffwatch::corpus
