// A list format takes any line: an account is a part of the line (or of what was escaped in it), trimmed,
// and no part of the password. A format that is guessed from lines, or parsed from them, is called what
// parses to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/list_format.h"

namespace {

using namespace stuffwatch::corpus;

void must(bool holds) {
  if (!holds) std::abort();
}

void same_name(const ListFormat& format) {
  const auto again = ListFormat::parse(format.name());
  must(again.has_value() && again->name() == format.name());
}

const std::vector<ListFormat>& formats() {
  static const std::vector<ListFormat> all = [] {
    std::vector<ListFormat> made;
    for (const std::string_view name :
         {"email", "email:pass", "email;pass", "user|pass", "user,pass", "email\tpass",
          "email pass", "pass:email", "pass,id,user", "id:user:email:hash", "url:login:pass",
          "url|login|pass", "(id,user,email)", "mixed", "email----pass", "account,list"})
      made.push_back(ListFormat::parse(name).value());
    return made;
  }();
  return all;
}

void check(const ListFormat& format, std::string_view line) {
  std::string scratch(1, '\1');
  const ListLine found = format.account_of(line, scratch);
  must(found.account.empty() == (found.reject != LineReject::kNone));
  must(found.account.size() <= line.size() && name_of(found.reject) != "");
  if (scratch == "\1") must(line.find(found.account) != std::string_view::npos);
  // What stands before the account's field ends holds all of it, so nothing of a password that follows.
  if (format.name() == "email:pass" && !found.account.empty())
    must(line.substr(0, line.find(':')).find(found.account) != std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  std::vector<std::string_view> lines;
  for (std::string_view rest = input; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    lines.push_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  for (const std::string_view line : lines)
    for (const ListFormat& format : formats()) check(format, line);
  const ListFormat guessed = ListFormat::guess(lines);
  same_name(guessed);
  for (const std::string_view line : lines) check(guessed, line);
  if (const auto parsed = ListFormat::parse(input)) same_name(*parsed);
  return 0;
}
