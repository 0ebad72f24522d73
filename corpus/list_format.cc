#include "corpus/list_format.h"

#include <algorithm>
#include <iterator>

#include "config/utf8.h"
#include "corpus/list_fields.h"

namespace stuffwatch::corpus {
namespace {

// Behind the closing quote of a text that begins with one; 0 when it does not, or when none closes it.
// Quotes inside are doubled; in SQL a backslash in front of them does, too.
std::size_t end_of_quoted(std::string_view text, bool sql) {
  if (text.empty() || (text[0] != '"' && !(sql && text[0] == '\''))) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (sql && text[i] == '\\') {
      ++i;
    } else if (text[i] == text[0]) {
      if (i + 1 == text.size() || text[i + 1] != text[0]) return i + 1;
      ++i;
    }
  }
  return 0;
}

// What a byte may stand in. Local part: RFC 5322 atext and the dot. Top-level domain: letters. Bytes of
// UTF-8 may stand anywhere and are checked apart. Delimiter: of a mixed list.
enum : unsigned char { kLocal = 1, kDomain = 2, kTop = 4, kAscii = 8, kDelimiter = 16 };

constexpr std::array<unsigned char, 256> make_uses() {
  std::array<unsigned char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    unsigned uses = c < 0x80 ? kAscii : kLocal | kDomain | kTop;
    if (letter || digit || c == '-' || c == '_' || c == '.') uses |= kLocal | kDomain;
    if (letter) uses |= kTop;
    if (std::string_view("!#$%&'*+/=?^`{|}~").find(static_cast<char>(c)) != std::string_view::npos)
      uses |= kLocal;
    if (std::string_view(":;|,\t ").find(static_cast<char>(c)) != std::string_view::npos)
      uses |= kDelimiter;
    table[c] = static_cast<unsigned char>(uses);
  }
  return table;
}
constexpr std::array<unsigned char, 256> kUses = make_uses();

unsigned uses_of(char c) { return kUses[static_cast<unsigned char>(c)]; }

// What all bytes may stand in. No way out of the loop: it is short, and branches cost more.
unsigned common_uses(std::string_view text) {
  unsigned uses = kLocal | kDomain | kTop | kAscii;
  for (const char c : text) uses &= uses_of(c);
  return uses;
}

// Two labels or more, none empty, the last of letters; the root's dot may follow.
bool has_labels(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  const std::size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || domain.front() == '.') return false;
  const std::string_view top = domain.substr(dot + 1);
  return !top.empty() && ((common_uses(top) & kTop) != 0 || top.starts_with("xn--")) &&
         domain.find("..") == std::string_view::npos;
}

// The rule of Have I Been Pwned's extractor: stricter than the RFC, as lists are full of near misses.
LineReject judge_address(std::string_view address, std::size_t at) {
  constexpr std::size_t kMaxLocal = 64, kMaxDomain = 255;
  const std::string_view local = address.substr(0, at), domain = address.substr(at + 1);
  const unsigned in_local = common_uses(local), in_domain = common_uses(domain);
  if ((in_local & in_domain & kAscii) == 0 && !config::is_utf8(address))
    return LineReject::kBadUtf8;
  if (local.empty() || local.size() > kMaxLocal || (in_local & kLocal) == 0)
    return LineReject::kBadAddress;
  if (domain.size() <= kMaxDomain && (in_domain & kDomain) != 0 && has_labels(domain))
    return LineReject::kNone;
  return domain.find('@') == std::string_view::npos ? LineReject::kBadDomain
                                                    : LineReject::kBadAddress;
}

bool is_hash(std::string_view text) {
  constexpr std::size_t kSizes[] = {32, 40, 56, 64, 96, 128};  // MD5, SHA-1, SHA-2
  return std::ranges::find(kSizes, text.size()) != std::end(kSizes) &&
         std::ranges::all_of(
             text, [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); });
}

// What stands above a column of accounts.
bool is_header_word(std::string_view text) {
  const auto known = list_field(text);
  return known && is_account(kListFields[*known].role);
}

}  // namespace

std::string_view name_of(LineReject reject) {
  switch (reject) {
    case LineReject::kNone: return "none";
    case LineReject::kEmpty: return "empty";
    case LineReject::kTooLong: return "too_long";
    case LineReject::kBadUtf8: return "bad_utf8";
    case LineReject::kNoAccount: return "no_account";
    case LineReject::kNoAt: return "no_at";
    case LineReject::kBadAddress: return "bad_address";
    case LineReject::kBadDomain: return "bad_domain";
    case LineReject::kHashOnly: return "hash_only";
    case LineReject::kHeader: return "header";
    case LineReject::kSeveralAccounts: return "several_accounts";
    case LineReject::kCount: break;
  }
  return "none";
}

std::size_t ListFormat::end_of_field(std::string_view rest, bool is_url) const {
  if (delimiter_size_ == 0) return rest.size();
  std::size_t from = is_url ? end_of_url(rest, delimiter()) : 0;
  if (quotes_) {
    const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t quoted = end_of_quoted(rest.substr(blanks), false);
    if (quoted > 0) from = blanks + quoted;
  }
  const bool one_byte = delimiter_size_ == 1;
  const std::size_t end = one_byte ? rest.find(delimiter_[0], from) : rest.find(delimiter(), from);
  return std::min(end, rest.size());
}

LineReject ListFormat::find(std::string_view line, std::string_view& field) const {
  if (shape_ == Shape::kMixed) {
    const auto* const end =
        std::ranges::find_if(line, [](char c) { return (uses_of(c) & kDelimiter) != 0; });
    field = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    return LineReject::kNone;
  }
  for (std::size_t i = 0; from_right_; ++i) {
    const std::size_t cut = line.rfind(delimiter());
    if (cut == std::string_view::npos) return LineReject::kNoAccount;
    field = line.substr(cut + delimiter_size_);
    if (i == account_) return LineReject::kNone;
    line = line.substr(0, cut);
  }
  for (std::size_t i = 0; i < account_; ++i) {
    const std::size_t end = end_of_field(line, kListFields[fields_[i]].role == FieldRole::kUrl);
    if (end == line.size()) return LineReject::kNoAccount;
    line.remove_prefix(end + delimiter_size_);
    while (delimiter() == " " && line.starts_with(' ')) line.remove_prefix(1);
  }
  const std::size_t end = end_of_field(line, false);
  field = line.substr(0, end);
  // A name in a line without the delimiter may be a name with its password behind another one.
  const bool alone = takes_names_ && field_count_ > 1 && account_ == 0 && end == line.size();
  return alone ? LineReject::kNoAccount : LineReject::kNone;
}

// INSERT INTO t (a,b) VALUES (1,'x'), or only (1,'x'), with whatever stands around.
LineReject ListFormat::find_in_row(std::string_view line, std::string_view& field) const {
  std::string_view rest = trimmed(line, [](char c) { return is_blank(c) || c == ','; });
  if (!rest.starts_with('(')) {
    std::size_t values = rest.find("VALUES");
    if (values == std::string_view::npos) values = rest.find("values");
    if (values == std::string_view::npos) return LineReject::kNoAccount;
    rest.remove_prefix(std::min(rest.find('(', values), rest.size()));
    if (rest.empty()) return LineReject::kNoAccount;
  }
  rest.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0;; ++i) {
    rest = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t end =
        std::min(rest.find_first_of(",)", end_of_quoted(rest, true)), rest.size());
    if (i == account_) field = rest.substr(0, end), found = true;
    const bool last = end == rest.size() || rest[end] == ')';
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (last) break;
  }
  rest = trimmed(rest, [](char c) { return is_blank(c) || c == ',' || c == ';'; });
  if (rest.starts_with('(')) return LineReject::kSeveralAccounts;
  return found ? LineReject::kNone : LineReject::kNoAccount;
}

ListLine ListFormat::judge(std::string_view account) const {
  if (account.empty()) return {{}, LineReject::kNoAccount};
  const std::size_t at = account.find('@');
  if (at != std::string_view::npos) {
    const LineReject reject = judge_address(account, at);
    if (reject == LineReject::kNone) return {account};
    // A name may hold an @; an address with another field behind it is none, and that may be a password.
    const bool name =
        takes_names_ && reject != LineReject::kBadUtf8 &&
        std::ranges::none_of(account, [](char c) { return (uses_of(c) & kDelimiter) != 0; });
    return name ? ListLine{account} : ListLine{{}, reject};
  }
  if (is_hash(account)) return {{}, LineReject::kHashOnly};
  if (is_header_word(account)) return {{}, LineReject::kHeader};
  if (!config::is_utf8(account)) return {{}, LineReject::kBadUtf8};
  return takes_names_ ? ListLine{account} : ListLine{{}, LineReject::kNoAt};
}

ListLine ListFormat::account_of(std::string_view line, std::string& scratch) const {
  if (line.size() > kMaxLineBytes) return {{}, LineReject::kTooLong};
  line = without_line_end(line);
  if (trimmed(line, is_blank).empty()) return {{}, LineReject::kEmpty};
  std::string_view field;
  const bool row = shape_ == Shape::kRow;
  const LineReject reject = row ? find_in_row(line, field) : find(line, field);
  if (reject != LineReject::kNone) return {{}, reject};
  return judge(unquoted(field, row, scratch));
}

}  // namespace stuffwatch::corpus
