#include "corpus/account_columns.h"

#include <algorithm>
#include <iterator>

#include "config/utf8.h"
#include "corpus/list_fields.h"

namespace stuffwatch::corpus {
namespace {

using Role = AccountColumns::Role;

struct Word {
  std::string_view text;
  Role role;
};
// Of several columns of one role the one whose word stands first is read: an e-mail address is what lists hold, and `name` is often a person's.
constexpr Word kWords[] = {
    {"account", Role::kAccount},
    {"email", Role::kAccount},
    {"mail", Role::kAccount},
    {"e_mail", Role::kAccount},
    {"e_mail_address", Role::kAccount},
    {"email_address", Role::kAccount},
    {"login", Role::kAccount},
    {"username", Role::kAccount},
    {"user_name", Role::kAccount},
    {"user", Role::kAccount},
    {"name", Role::kAccount},
    {"account_id", Role::kId},
    {"provider_id", Role::kId},
    {"user_id", Role::kId},
    {"id", Role::kId},
    {"created", Role::kCreated},
    {"created_at", Role::kCreated},
    {"closed", Role::kClosed},
    {"closed_at", Role::kClosed},
    {"deleted_at", Role::kClosed},
    {"class", Role::kClass},
    {"type", Role::kClass},
    {"segment", Role::kClass},
};
constexpr std::string_view kDelimiters = ",;\t|";

// As the words are written: lower case, and space and hyphen as underscore.
std::string plain(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c == ' ' || c == '-' ? '_' : lower(c); });
  return out;
}

// Its place in kWords; their number when it is none of them.
std::size_t rank_of(std::string_view word) {
  return static_cast<std::size_t>(std::ranges::find(kWords, plain(word), &Word::text) - kWords);
}

bool sounds_secret(std::string_view word) {
  const std::string text = plain(word);
  return text == "pass" ||
         std::ranges::any_of(std::array{"passw", "pwd", "secret", "hash"}, [&](const char* part) {
           return text.find(part) != std::string::npos;
         });
}

// Behind the closing quote of a cell that begins with one; nothing: it has none.
std::optional<std::size_t> end_of_quoted(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    if (i + 1 == text.size() || text[i + 1] != '"') return i + 1;
    ++i;
  }
  return std::nullopt;
}

// The cell that `rest` begins with, which is taken away with its delimiter. False: its quotes are wrong.
bool take_cell(std::string_view& rest, char delimiter, bool& last, std::string_view& cell) {
  const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
  std::size_t from = 0;
  if (blanks < rest.size() && rest[blanks] == '"') {
    const auto end = end_of_quoted(rest.substr(blanks));
    if (!end) return false;
    from = std::min(rest.find_first_not_of(' ', blanks + *end), rest.size());
    if (from < rest.size() && rest[from] != delimiter) return false;
  }
  const std::size_t end = std::min(rest.find(delimiter, from), rest.size());
  cell = rest.substr(0, end);
  last = end == rest.size();
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return true;
}

}  // namespace

std::string_view name_of(AccountReject reject) {
  switch (reject) {
    case AccountReject::kNone: return "none";
    case AccountReject::kEmpty: return "empty";
    case AccountReject::kTooLong: return "too_long";
    case AccountReject::kNoAccount: return "no_account";
    case AccountReject::kBadUtf8: return "bad_utf8";
    case AccountReject::kBadQuotes: return "bad_quotes";
    case AccountReject::kTooManyColumns: return "too_many_columns";
    case AccountReject::kBadDate: return "bad_date";
    case AccountReject::kBadClass: return "bad_class";
    case AccountReject::kCount: break;
  }
  return "none";
}

bool AccountColumns::take_words(std::string_view line, char delimiter, bool header) {
  *this = {};
  delimiter_ = delimiter;
  std::array<std::size_t, kRoles> best;
  best.fill(std::size(kWords));
  std::array<std::size_t, kRoles> column{};
  std::string scratch;
  for (bool last = false; !last; roles_.push_back(Role::kSkip)) {
    std::string_view cell = line;
    last = delimiter == '\0';
    if (!last && !take_cell(line, delimiter, last, cell)) return false;
    const std::string_view word = unquoted(cell, false, scratch);
    const std::size_t rank = rank_of(word);
    if (header && rank == std::size(kWords) && sounds_secret(word))
      secrets_.push_back(config::printable(word));
    if (rank == std::size(kWords)) continue;
    const auto role = static_cast<std::size_t>(kWords[rank].role);
    if (rank < best[role]) best[role] = rank, column[role] = roles_.size(), words_[role] = word;
  }
  for (std::size_t role = 0; role < kRoles; ++role)
    if (!words_[role].empty()) roles_[column[role]] = static_cast<Role>(role);
  return !word(Role::kAccount).empty();
}

config::Result<AccountColumns> AccountColumns::parse(std::string_view text) {
  std::string spelled(text);
  for (std::size_t at; (at = spelled.find("\\t")) != std::string::npos;)
    spelled.replace(at, 2, "\t");
  const std::size_t at = spelled.find_first_of(kDelimiters);
  const char delimiter = at == std::string::npos ? '\0' : spelled[at];
  for (std::string_view rest = spelled; !rest.empty();) {
    const std::size_t end =
        delimiter == '\0' ? rest.size() : std::min(rest.find(delimiter), rest.size());
    const std::string_view word = trimmed(rest.substr(0, end), is_blank);
    if (rank_of(word) == std::size(kWords) && plain(word) != "skip" && !sounds_secret(word))
      return config::misconfigured(
          "{} is no column: write account, id, created, closed, class, or skip for any other",
          config::printable(word));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  AccountColumns columns;
  if (!columns.take_words(spelled, delimiter, false))
    return config::misconfigured(
        "no column of \"{}\" is the name of an account: call one account, as in account;created",
        config::printable(text));
  return columns;
}

config::Result<AccountColumns> AccountColumns::of_first_line(std::string_view line) {
  line = without_line_end(line);
  AccountColumns columns;
  for (const char delimiter : kDelimiters)
    if (line.find(delimiter) != std::string_view::npos && columns.take_words(line, delimiter, true))
      return columns;
  if (columns.take_words(line, '\0', true)) return columns;
  // A colon: what a breach list looks like.
  if (line.find_first_of(kDelimiters) != std::string_view::npos ||
      line.find(':') != std::string_view::npos)
    return config::misconfigured(
        "more than a name, and no header with a column account, email, user, username, login or "
        "name: say what stands where, as in --columns 'skip,account,created'");
  return parse("account");
}

AccountReject AccountColumns::cut(std::string_view line,
                                  std::array<std::string_view, kRoles>& cells) const {
  if (delimiter_ == '\0') {
    cells[0] = line;
    return AccountReject::kNone;
  }
  bool last = false;
  for (const Role role : roles_) {
    std::string_view cell;
    if (!take_cell(line, delimiter_, last, cell)) return AccountReject::kBadQuotes;
    if (role != Role::kSkip) cells[static_cast<std::size_t>(role)] = cell;
    if (last) break;  // exports leave out empty cells at the end
  }
  return last ? AccountReject::kNone : AccountReject::kTooManyColumns;
}

bool AccountColumns::is_header(std::string_view line) const {
  std::array<std::string_view, kRoles> cells;
  std::string scratch;
  if (cut(without_line_end(line), cells) != AccountReject::kNone) return false;
  const std::size_t rank = rank_of(unquoted(cells[0], false, scratch));
  return rank < std::size(kWords) && kWords[rank].role == Role::kAccount;
}

AccountReject AccountColumns::read(std::string_view line, AccountRow& out) const {
  if (line.size() > kMaxLineBytes) return AccountReject::kTooLong;
  line = without_line_end(line);
  if (trimmed(line, is_blank).empty()) return AccountReject::kEmpty;
  std::array<std::string_view, kRoles> cells;
  if (const AccountReject reject = cut(line, cells); reject != AccountReject::kNone) return reject;
  const auto cell = [&](Role role) { return cells[static_cast<std::size_t>(role)]; };
  out.account = unquoted(cell(Role::kAccount), false, out.scratch[0]);
  out.id = unquoted(cell(Role::kId), false, out.scratch[1]);
  out.class_name = unquoted(cell(Role::kClass), false, out.scratch[2]);
  if (out.account.empty()) return AccountReject::kNoAccount;
  if (!config::is_utf8(out.account) || !config::is_utf8(out.id) || !config::is_utf8(out.class_name))
    return AccountReject::kBadUtf8;
  if (out.class_name.size() > kMaxClassBytes || config::one_line(out.class_name) != out.class_name)
    return AccountReject::kBadClass;
  std::string scratch;
  const auto created = parse_day(unquoted(cell(Role::kCreated), false, scratch)),
             closed = parse_day(unquoted(cell(Role::kClosed), false, scratch));
  if (!created || !closed) return AccountReject::kBadDate;
  out.created = *created, out.closed = *closed;
  return AccountReject::kNone;
}

}  // namespace stuffwatch::corpus
