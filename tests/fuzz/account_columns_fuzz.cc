// Any text as an export: a first line is a header, a name, or refused without a word of it; a row gives cells that are parts of it (or of what was escaped in
// it), or a reason.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "config/utf8.h"
#include "corpus/account_columns.h"

namespace {

using namespace stuffwatch::corpus;

void must(bool holds) {
  if (!holds) std::abort();
}

const std::vector<AccountColumns>& said() {
  static const std::vector<AccountColumns> all = [] {
    std::vector<AccountColumns> made;
    for (const std::string_view text : {"account", "account,id,created,closed,class",
                                        "skip;account;skip;closed", "class\\tname", "id|email"})
      made.push_back(AccountColumns::parse(text).value());
    return made;
  }();
  return all;
}

void check(const AccountColumns& columns, std::string_view line) {
  AccountRow row;
  const AccountReject reject = columns.read(line, row);
  must(reject < AccountReject::kCount && !name_of(reject).empty());
  (void)columns.is_header(line);
  if (reject != AccountReject::kNone) return;
  must(!row.account.empty());
  for (std::size_t i = 0; const std::string_view text : {row.account, row.id, row.class_name}) {
    const std::string& scratch = row.scratch[i++];
    must(text.size() <= line.size() && stuffwatch::config::is_utf8(text));
    must(line.find(text) != std::string_view::npos || scratch.find(text) != std::string::npos);
  }
  must(row.class_name.size() <= AccountColumns::kMaxClassBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto header = AccountColumns::of_first_line(input.substr(0, input.find('\n')));
  must(header || header.error().message.find("--columns") != std::string::npos);
  if (const auto parsed = AccountColumns::parse(input)) check(*parsed, input);
  for (std::string_view rest = input; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    for (const AccountColumns& columns : said()) check(columns, line);
    if (header) check(*header, line);
    (void)parse_day(line);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return 0;
}
