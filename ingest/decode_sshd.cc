#include "ingest/decode_sshd.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "ingest/journal_record.h"
#include "ingest/record_limits.h"
#include "ingest/syslog_line.h"

namespace stuffwatch::ingest {
namespace {

using std::string_view;

constexpr std::uint32_t kMaxRepeat =
    10'000;  // "message repeated N times": more is no syslog daemon, and would fill memory
constexpr std::size_t kLongestAddress = 45;  // INET6_ADDRSTRLEN without the NUL

bool eat(string_view& text, string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool eat_end(string_view& text, string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool is_sshd(string_view program) {
  if (const auto slash = program.rfind('/'); slash != string_view::npos)
    program.remove_prefix(slash + 1);
  return program == "sshd" || program == "sshd-session" || program == "sshd-auth";
}

// Whether it can be an address at all (a host name cannot); the address itself is parsed later.
bool looks_like_address(string_view text) {
  if (text.empty() || text.size() > kLongestAddress) return false;
  const bool v6 = text.find(':') != string_view::npos;
  return text.find_first_not_of(v6 ? "0123456789abcdefABCDEF:." : "0123456789.") ==
         string_view::npos;
}

// "port 53502", "port 53502 ssh2"
bool is_port_clause(string_view text) {
  if (!eat(text, "port ")) return false;
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0) return false;
  text.remove_prefix(std::min(digits, text.size()));
  return text.empty() || text == " ssh2" || text == " ssh1";
}

enum class Port : bool { kOptional, kRequired };

struct Peer {
  string_view user, address;
};

// "USER from ADDRESS port N ssh2". sshd writes what follows the last " from "; what stands before
// it is the client's.
Verdict split_peer(string_view text, Port port, Peer& out) {
  constexpr string_view kFrom = " from ";
  auto from = text.rfind(kFrom);
  string_view tail;
  if (from != string_view::npos) {
    tail = text.substr(from + kFrom.size());
  } else if (text.starts_with(
                 "from ")) {  // an empty name, and somebody squeezed the two spaces into one
    from = 0;
    tail = text.substr(5);
  } else {
    return Verdict::rejected(Reject::kTruncated);
  }
  const auto space = tail.find(' ');
  string_view address = tail.substr(0, space);
  const string_view rest = space == string_view::npos ? string_view{} : tail.substr(space + 1);
  address = address.substr(0, address.find('%'));  // fe80::1%eth0
  if (!looks_like_address(address)) return Verdict::skipped(Skip::kUnsupportedEvent);
  if (rest.empty() ? port == Port::kRequired : !is_port_clause(rest))
    return Verdict::rejected(Reject::kTruncated);
  out = {text.substr(0, from), address};
  return {};
}

// Undoes sshd's own escapes: \ooo for a byte, \\ for a backslash. Anything else stays as it is.
string_view unescape(string_view name, std::string& buffer) {
  if (name.find('\\') == string_view::npos) return name;
  const auto octal = [&](std::size_t at, char most) {
    return at < name.size() && name[at] >= '0' && name[at] <= most;
  };
  buffer.clear();
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      buffer.push_back(static_cast<char>((name[i + 1] - '0') * 64 + (name[i + 2] - '0') * 8 +
                                         (name[i + 3] - '0')));
      i += 3;
    } else {
      if (name[i] == '\\' && i + 1 < name.size() && name[i + 1] == '\\') ++i;
      buffer.push_back(name[i]);
    }
  }
  return buffer;
}

bool eat_invalid_user(string_view& text) {
  return eat(text, "invalid user ") || eat(text, "illegal user ");
}

class SshdDecoder final : public Decoder {
 public:
  Verdict decode(const RawRecord& record, LoginCollector& out) override {
    const string_view bytes = record.bytes;
    const auto start = bytes.find_first_not_of(" \t\r\n");
    if (start == string_view::npos) return Verdict::skipped(Skip::kBlankLine);
    if (bytes.size() > kMaxRecordBytes) return Verdict::rejected(Reject::kTooLarge);
    return bytes[start] == '{' ? journal(record, out) : syslog(bytes, out);
  }

 private:
  Verdict syslog(string_view line, LoginCollector& out) {
    SyslogLine parts;
    if (const Reject bad = parse_syslog(line, parts); bad != Reject::kNone)
      return Verdict::rejected(bad);
    if (!is_sshd(parts.program)) return Verdict::skipped(Skip::kNotALogin);
    RawLogin login;
    login.time = parts.time;
    login.yearless = parts.yearless;
    login.zoneless = parts.zoneless;
    login.session_id = parts.pid;
    return message(parts.message, login, out);
  }

  Verdict journal(const RawRecord& record, LoginCollector& out) {
    JournalEntry entry;
    if (const Reject bad = journal_.parse(record, entry); bad != Reject::kNone)
      return Verdict::rejected(bad);
    if (!is_sshd(entry.program)) return Verdict::skipped(Skip::kNotALogin);
    if (!entry.has_message) return Verdict::skipped(Skip::kUnsupportedEvent);
    RawLogin login;
    login.time = entry.time;
    login.session_id = entry.pid;
    return message(entry.message, login, out);
  }

  Verdict message(string_view text, RawLogin& login, LoginCollector& out) {
    trim(text);
    if (eat(text, "message repeated ")) {
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), login.repeat);
      if (error != std::errc{} || login.repeat == 0 || login.repeat > kMaxRepeat)
        return Verdict::rejected(Reject::kBadValue);
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
      if (!eat(text, " times: [")) return Verdict::rejected(Reject::kTruncated);
      eat_end(text, "]");
      trim(text);
    }
    eat(text, "error: ");
    const Verdict verdict = statement(text, login);
    if (!verdict.decoded()) return verdict;
    login.account = unescape(login.account, name_);
    login.account_present = true;
    out.add(login);
    return verdict;
  }

  static void trim(string_view& text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    eat_end(text, " ");
    eat_end(text, " [preauth]");
  }

  static Verdict statement(string_view text, RawLogin& login) {
    if (eat(text, "Accepted ")) return accepted(text, login);
    if (eat(text, "Failed ")) return failed(text, login);
    if (eat(text, "Invalid user ") || eat(text, "Illegal user "))
      return finish(text, Port::kOptional, FailureReason::kUnknownAccount, login);
    if (eat(text, "PAM: ")) return pam(text, login);
    if (eat(text, "User ")) return not_allowed(text, login);
    if (text.starts_with("Partial ")) return Verdict::skipped(Skip::kUnsupportedEvent);
    return Verdict::skipped(Skip::kNotALogin);
  }

  static Verdict finish(string_view text, Port port, FailureReason reason, RawLogin& login) {
    Peer peer;
    if (const Verdict verdict = split_peer(text, port, peer); !verdict.decoded()) return verdict;
    login.outcome = reason == FailureReason::kNone ? Outcome::kSuccess : Outcome::kFailure;
    login.reason = reason;
    login.account = peer.user;
    login.source_ip = peer.address;
    return {};
  }

  // "METHOD for ..." -> METHOD, and `text` behind it
  static bool eat_method(string_view& text, string_view& method) {
    constexpr string_view kFor = " for ";
    const auto at = text.find(kFor);
    method = text.substr(0, at);
    if (at == string_view::npos || method.find(' ') != string_view::npos) return false;
    text.remove_prefix(at + kFor.size());
    return true;
  }

  // "publickey for U from A port N ssh2: ED25519 SHA256:..."; a name that was let in exists, and
  // holds no " ssh2: "
  static Verdict accepted(string_view text, RawLogin& login) {
    string_view method, key;
    if (!eat_method(text, method)) return Verdict::rejected(Reject::kTruncated);
    constexpr string_view kKey = " ssh2: ";
    if (const auto at = text.find(kKey); at != string_view::npos) {
      key = text.substr(at + kKey.size());
      text = text.substr(0, at);
    }
    if (const auto at = key.find("SHA256:"); at != string_view::npos)
      login.device_id = key.substr(at, key.find(' ', at) - at);
    return finish(text, Port::kRequired, FailureReason::kNone, login);
  }

  static Verdict failed(string_view text, RawLogin& login) {
    string_view method;
    if (!eat_method(text, method)) return Verdict::rejected(Reject::kTruncated);
    if (method == "none") return Verdict::skipped(Skip::kNotALogin);
    if (method != "password" && !method.starts_with("keyboard-interactive"))
      return Verdict::skipped(Skip::kUnsupportedEvent);
    const bool invalid = eat_invalid_user(text);
    return finish(text, Port::kRequired,
                  invalid ? FailureReason::kUnknownAccount : FailureReason::kBadPassword, login);
  }

  static Verdict pam(string_view text, RawLogin& login) {
    static constexpr std::array<string_view, 3> kWrong = {
        "Authentication failure for ", "Authentication error for ", "authentication error for "};
    if (!std::ranges::any_of(kWrong, [&](string_view prefix) { return eat(text, prefix); }))
      return Verdict::skipped(Skip::kNotALogin);
    if (eat_invalid_user(text))
      return Verdict::skipped(Skip::kNotALogin);  // "Invalid user" has said so
    return finish(text, Port::kOptional, FailureReason::kBadPassword, login);
  }

  static Verdict not_allowed(string_view text, RawLogin& login) {
    constexpr string_view kBecause = " not allowed because ";
    const auto at = text.rfind(kBecause);
    if (at == string_view::npos) return Verdict::skipped(Skip::kNotALogin);
    const string_view why = text.substr(at + kBecause.size());
    text = text.substr(0, at);
    if (text.find(" from ") == string_view::npos)
      return Verdict::skipped(
          Skip::kUnsupportedEvent);  // "User U not allowed because shell ...": no address
    const auto reason = why.find("locked") != string_view::npos ? FailureReason::kLocked
                        : why.starts_with("shell ") || why.find("expired") != string_view::npos
                            ? FailureReason::kDisabled
                            : FailureReason::kBlocked;
    return finish(text, Port::kOptional, reason, login);
  }

  JournalParser journal_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Decoder> make_sshd_decoder() { return std::make_unique<SshdDecoder>(); }

}  // namespace stuffwatch::ingest
