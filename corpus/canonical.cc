// The canonical form of an account name, version 1. What is written here can never change without a
// new kCanonicalVersion: every stored hash depends on it. The table in
// tests/corpus/account_key_test.cc pins it.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include <idn2.h>
#include <utf8proc.h>

#include "corpus/account_key.h"

namespace stuffwatch::corpus {
namespace {

// What a byte may be part of. The local part: RFC 5322 atext and the dot. The domain: letters,
// digits, hyphen, underscore, dot.
enum : unsigned char { kLocal = 1, kDomain = 2, kDigit = 4 };

struct Byte {
  char lower;
  unsigned char uses;
};

constexpr std::array<Byte, 256> make_bytes() {
  std::array<Byte, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    const bool letter = upper || (c >= 'a' && c <= 'z');
    unsigned uses = 0;
    if (letter || digit || c == '-' || c == '_' || c == '.') uses |= kLocal | kDomain;
    if (digit) uses |= kDigit;
    if (std::string_view("!#$%&'*+/=?^`{|}~").find(static_cast<char>(c)) !=
            std::string_view::npos ||
        c >= 0x80)
      uses |= kLocal;
    table[c] = {static_cast<char>(upper ? c + 32 : c), static_cast<unsigned char>(uses)};
  }
  return table;
}
constexpr std::array<Byte, 256> kBytes = make_bytes();
constexpr Byte look_up(char c) { return kBytes[static_cast<unsigned char>(c)]; }

constexpr std::size_t kMaxLocal = 64, kMaxDomain = 253, kMaxLabel = 63;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_ascii(std::string_view text) {
  std::uint64_t seen = 0, word;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::memcpy(&word, text.data() + i, 8);
    seen |= word;
  }
  for (; i < text.size(); ++i) seen |= static_cast<unsigned char>(text[i]);
  return (seen & 0x8080808080808080) == 0;
}

bool is_phone(std::string_view text) {
  if (text.size() < 8 || text.size() > 16 || text.front() != '+') return false;
  for (const char c : text.substr(1)) {
    if ((look_up(c).uses & kDigit) == 0) return false;
  }
  return true;
}

// "example.com": two labels or more, none empty, none over 63 bytes.
bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kMaxDomain || domain.find('.') == std::string_view::npos)
    return false;
  std::size_t label = 0;
  for (const char c : domain) {
    if ((look_up(c).uses & kDomain) == 0) return false;
    if (c != '.') {
      if (++label > kMaxLabel) return false;
      continue;
    }
    if (label == 0) return false;
    label = 0;
  }
  return label != 0;
}

bool is_local_part(std::string_view local) {
  if (local.empty() || local.size() > kMaxLocal) return false;
  unsigned uses = kLocal;  // no way out of the loop: it is short, and branches cost more
  for (const char c : local) uses &= look_up(c).uses;
  return uses != 0;
}

// Names that lower-casing makes canonical: nearly all. `form` is trimmed, ASCII and already lower
// case, behind the class byte of `out`.
AccountClass classify(std::string& out) {
  const std::string_view form = std::string_view(out).substr(1);
  AccountClass kind = AccountClass::kUserName;
  const std::size_t at = form.find('@');
  if (at != std::string_view::npos) {
    std::string_view domain = form.substr(at + 1);
    const bool dotted = domain.ends_with('.');
    if (dotted) domain.remove_suffix(1);
    if (is_domain(domain) && is_local_part(form.substr(0, at))) {
      kind = AccountClass::kEmail;
      if (dotted) out.pop_back();
    }
  } else if (is_phone(form)) {
    kind = AccountClass::kPhone;
  }
  out[0] = static_cast<char>(kind);
  return kind;
}

constexpr std::uint64_t kEach = 0x0101010101010101;

// Eight ASCII bytes at once: the top bit of a byte, free in ASCII, tells 'A' and above, and above
// 'Z'.
std::uint64_t lower_case(std::uint64_t word) {
  const std::uint64_t from_a = word + kEach * (0x80 - 'A'),
                      after_z = word + kEach * (0x80 - 'Z' - 1);
  return word | (from_a & ~after_z & kEach * 0x80) >> 2;
}

AccountClass canonicalise_ascii(std::string_view name, std::string& out) {
  out.resize(name.size() + 1);
  char* const to = out.data() + 1;
  std::size_t i = 0;
  for (std::uint64_t word; i + sizeof word <= name.size(); i += sizeof word) {
    std::memcpy(&word, name.data() + i, sizeof word);
    word = lower_case(word);
    std::memcpy(to + i, &word, sizeof word);
  }
  for (; i < name.size(); ++i) to[i] = look_up(name[i]).lower;
  return classify(out);
}

AccountClass invalid(std::string_view name, std::string& out) {
  out.assign(1, static_cast<char>(AccountClass::kUserName));
  out.append(name);
  return AccountClass::kInvalid;
}

struct Freed {
  void operator()(void* memory) const {
    std::free(memory);
  }  // both libraries hand out malloc'ed memory
};

constexpr int kNfkc = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
constexpr int kNfkcCasefold = kNfkc | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;

// nullopt: not UTF-8.
std::optional<std::string> normalised(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                 static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, Freed> owner(mapped);
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
}

// IDNA2008 A-labels, lower case; nullopt when IDNA has none for it.
std::optional<std::string> a_labels(const std::string& domain) {
  if (domain.find('\0') != std::string::npos) return std::nullopt;
  char* ascii = nullptr;
  const int error = idn2_to_ascii_8z(domain.c_str(), &ascii, IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, Freed> owner(ascii);
  if (error != IDN2_OK) return std::nullopt;
  return std::string(ascii);
}

// One application of the rules to a name with bytes beyond ASCII. The domain is mapped by IDNA and
// not case-folded first: folding would turn sharp s into ss, which is another domain.
std::optional<std::string> fold(std::string_view name) {
  const auto composed = normalised(name, kNfkc);
  if (!composed) return std::nullopt;
  const std::size_t at = composed->find('@');
  if (at == std::string::npos || composed->find('@', at + 1) != std::string::npos)
    return normalised(name, kNfkcCasefold);
  auto domain = composed->substr(at + 1);
  if (!is_ascii(domain)) {
    auto labels = a_labels(std::string(trimmed(domain)));
    if (!labels) return normalised(name, kNfkcCasefold);
    domain = std::move(*labels);
  }
  auto local = normalised(std::string_view(*composed).substr(0, at), kNfkcCasefold);
  return local ? std::optional(*local + '@' + domain) : std::nullopt;
}

// What classify() does, for forms that are not ASCII: lower-case letters beyond ASCII are in the
// local part only.
AccountClass canonicalise_unicode(std::string_view name, std::string& out) {
  std::string form(name);
  for (int round = 0; round < 4;
       ++round) {  // folding is not idempotent for a few rare characters; two rounds settle them
    const auto folded = fold(form);
    if (!folded) return invalid(name, out);
    std::string next(trimmed(*folded));
    if (next == form) break;
    form = std::move(next);
  }
  if (form.empty()) return invalid(name, out);
  return canonicalise_ascii(form, out);
}

}  // namespace

AccountClass canonicalise(std::string_view name, std::string& out) {
  const std::string_view text = trimmed(name);
  if (text.empty()) return invalid(text, out);
  if (is_ascii(text)) return canonicalise_ascii(text, out);
  return canonicalise_unicode(text, out);
}

}  // namespace stuffwatch::corpus
