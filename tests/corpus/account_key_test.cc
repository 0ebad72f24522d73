#include "corpus/account_key.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;

std::string form(std::string_view name) {
  std::string out;
  canonicalise(name, out);
  return out;
}

struct Row {
  std::string_view name, form;
};

// What the form is, for ever: a changed row needs a new kCanonicalVersion. The first byte is the
// class.
constexpr Row kTable[] = {
    {"alice@example.com", "ealice@example.com"},
    {"Alice.Smith+News@EXAMPLE.Com",
     "ealice.smith+news@example.com"},  // the strict form keeps tags and dots
    {"  alice@example.com\r\n", "ealice@example.com"},
    {"alice@example.com.", "ealice@example.com"},
    {"alice@example.com..", "ualice@example.com.."},
    {"alice@example..com", "ualice@example..com"},
    {"alice@localhost", "ualice@localhost"},
    {"alice@", "ualice@"},
    {"@example.com", "u@example.com"},
    {"alice@@example.com", "ualice@@example.com"},
    {"al ice@example.com", "ual ice@example.com"},
    {"\"alice\"@example.com",
     "u\"alice\"@example.com"},  // a quoted local part is no address anybody types
    {"\"a@b\"@example.com", "u\"a@b\"@example.com"},
    {"ALICE", "ualice"},
    {"CORP\\Alice", "ucorp\\alice"},
    {"+491701234567", "p+491701234567"},
    {"+1234567", "p+1234567"},
    {"+123456", "u+123456"},
    {"+1234567890123456", "u+1234567890123456"},
    {"491701234567", "u491701234567"},
    {"shell\0"sv, "ushell\0"sv},  // an embedded NUL is part of the name
    {"a\0b@example.com"sv, "ua\0b@example.com"sv},
    {"STRASSE@example.com", "estrasse@example.com"},
    {"Stra\u00dfe@example.com", "estrasse@example.com"},
    {"STRA\u1e9eE@example.com", "estrasse@example.com"},
    {"alice@stra\u00dfe.example",
     "ealice@xn--strae-oqa.example"},  // in a domain, sharp s is a letter of its own
    {"alice@strasse.example", "ealice@strasse.example"},
    {"\u0131@example.com", "e\u0131@example.com"},  // dotless i stays
    {"\u0130@example.com",
     "ei\u0307@example.com"},  // I with a dot becomes i and a combining dot, in every locale
    {"alice\uff20example.com", "ealice@example.com"},  // full-width @
    {"\uff21\uff2c\uff29\uff23\uff25", "ualice"},      // full-width letters
    {"Caf\u00e9", "ucaf\u00e9"},
    {"CAFE\u0301", "ucaf\u00e9"},  // NFD
    {"alice@b\u00fccher.example", "ealice@xn--bcher-kva.example"},
    {"alice@BU\u0308CHER.example", "ealice@xn--bcher-kva.example"},
    {"alice@XN--BCHER-KVA.example", "ealice@xn--bcher-kva.example"},
    {"alice@b\u00fccher.example.", "ealice@xn--bcher-kva.example"},
    {"alice@b\u00fccher\u3002example", "ealice@xn--bcher-kva.example"},  // ideographic full stop
    {"\u03a3\u0391\u03a3", "u\u03c3\u03b1\u03c3"},                       // final sigma folds
    {"\ufeff\u00c4lice", "u\u00e4lice"},        // a byte order mark is nothing
    {"\u3000\u00c4lice\u00a0", "u\u00e4lice"},  // spaces beyond ASCII
    {"\ufb01sh", "ufish"},                      // ligature
    {"\u0391lice@ex\u0430mple.com", "e\u03b1lice@xn--exmple-4nf.com"},  // look-alikes stay apart
};

TEST(Canonicalise, IsThisTable) {
  for (const auto& [name, expected] : kTable) EXPECT_EQ(form(name), expected) << name;
}

TEST(Canonicalise, OfACanonicalFormIsTheForm) {
  for (const auto& [name, expected] : kTable) EXPECT_EQ(form(expected.substr(1)), expected) << name;
}

TEST(Canonicalise, KeepsInvalidNamesApartAndCounted) {
  std::string out;
  for (const std::string_view name :
       {"\xff\xfe"sv, "al\xc3"sv, "\xed\xa0\x80"sv, "alice@\x80.com"sv, "\xc0\xaf"sv}) {
    EXPECT_EQ(canonicalise(name, out), AccountClass::kInvalid);
    EXPECT_EQ(out, 'u' + std::string(name));
  }
  for (const std::string_view blank : {""sv, "  "sv, "\t\r\n"sv, "\u3000"sv, "\ufeff"sv})
    EXPECT_EQ(canonicalise(blank, out), AccountClass::kInvalid);
  EXPECT_EQ(canonicalise("", out), AccountClass::kInvalid);
  EXPECT_EQ(out, "u");
}

TEST(Canonicalise, ReturnsTheClassItWrites) {
  std::string out;
  EXPECT_EQ(canonicalise("a@example.com", out), AccountClass::kEmail);
  EXPECT_EQ(canonicalise("alice", out), AccountClass::kUserName);
  EXPECT_EQ(canonicalise("+49170123456", out), AccountClass::kPhone);
  for (const auto& [name, expected] : kTable)
    EXPECT_EQ(static_cast<char>(canonicalise(name, out)), expected[0]) << name;
}

TEST(Canonicalise, KnowsTheLimitsOfAnAddress) {
  const std::string local64(64, 'a'), label63(63, 'b');
  EXPECT_EQ(form(local64 + "@example.com")[0], 'e');
  EXPECT_EQ(form(local64 + "a@example.com")[0], 'u');
  EXPECT_EQ(form("a@" + label63 + ".com")[0], 'e');
  EXPECT_EQ(form("a@" + label63 + "b.com")[0], 'u');
  std::string long_domain = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'c');
  EXPECT_EQ(form("a@" + long_domain)[0], 'e');
  EXPECT_EQ(form("a@" + long_domain + "c")[0], 'u');
  const std::string huge(1 << 20, 'X');
  EXPECT_EQ(form(huge), 'u' + std::string(1 << 20, 'x'));
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

TEST(Canonicalise, IsIdempotentOnEveryCodePoint) {
  std::string name, once, twice;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    name.assign("a");
    append_utf8(c, name);
    name += "B";
    ASSERT_NE(canonicalise(name, once), AccountClass::kInvalid)
        << std::hex << static_cast<std::uint32_t>(c);
    canonicalise(std::string_view(once).substr(1), twice);
    ASSERT_EQ(once, twice) << std::hex << static_cast<std::uint32_t>(c);
  }
}

TEST(Canonicalise, IsIdempotentOnRandomNames) {
  const char32_t interesting[] = {'a',    'Z',    '.',    '@',    '-',    '+',    '7',     ' ',
                                  0,      0xdf,   0x1e9e, 0x130,  0x131,  0x307,  0x301,   0x327,
                                  0x345,  0x3b1,  0x1fb3, 0xff20, 0xff0e, 0x3002, 0x200d,  0xad,
                                  0xfeff, 0x3000, 0xa0,   0x17f,  0x212a, 0xfb01, 0x1f1e6, 0x0915,
                                  0x094d, 0xac00, 0x1100, 0x1161, 0x5d0,  0x644,  0x2024};
  std::mt19937_64 random(7);
  std::string name, once, twice;
  for (int i = 0; i < 200'000; ++i) {
    name.clear();
    const auto length = 1 + random() % 12;
    for (std::uint64_t k = 0; k < length; ++k)
      append_utf8(interesting[random() % std::size(interesting)], name);
    canonicalise(name, once);
    canonicalise(std::string_view(once).substr(1), twice);
    ASSERT_EQ(once, twice) << ::testing::PrintToString(name);
  }
}

TEST(Canonicalise, SurvivesAnyBytes) {
  std::mt19937_64 random(8);
  std::string name, once, twice;
  for (int i = 0; i < 200'000; ++i) {
    name.clear();
    const auto length = random() % 24;
    for (std::uint64_t k = 0; k < length; ++k) name.push_back(static_cast<char>(random()));
    canonicalise(name, once);
    ASSERT_FALSE(once.empty());
    canonicalise(std::string_view(once).substr(1), twice);
    ASSERT_EQ(once, twice);
  }
}

// Computed a second time by an independent program (BLAKE2b derivation, SipHash-2-4-128), which
// agreed.
TEST(AccountHasher, PublicKeyGivesTheseNumbersForEver) {
  const AccountHasher hasher = AccountHasher::public_key();
  std::string scratch;
  EXPECT_TRUE(hasher.is_public());
  EXPECT_EQ(to_string(hasher("Alice@Example.COM", scratch)), "acct:3e70ba85f19f3e38");
  EXPECT_EQ(scratch, "ealice@example.com");
  EXPECT_EQ(to_string(hasher("root", scratch)), "acct:cfe598aa9c79373d");
  EXPECT_EQ(to_string(hasher("", scratch)), "acct:26a0aa7ec87f67af");
  EXPECT_EQ(hasher.keyed(AccountHasher::Purpose::kEventId, "x"), 15908662781786565395U);
  EXPECT_EQ(hasher.keyed(AccountHasher::Purpose::kPasswordToken, "x"), 10785537771078988951U);
  EXPECT_EQ(hasher.keyed(AccountHasher::Purpose::kClient, "x"), 14028277228988783951U);
  EXPECT_EQ(hasher.keyed(AccountHasher::Purpose::kTable, "x"), 17543307101540514940U);
  EXPECT_EQ(hasher.table_seed(), 11085677465140755775U);
  EXPECT_EQ(hasher.check_value(), 16373792251864279262U);
}

TEST(AccountHasher, SpellingsShareAKeyAndClassesDoNot) {
  const AccountHasher hasher = AccountHasher::public_key();
  std::string scratch;
  EXPECT_EQ(hasher("ALICE@b\u00fccher.example", scratch),
            hasher("alice@xn--bcher-kva.example.", scratch));
  EXPECT_NE(hasher("alice", scratch), hasher("alice1", scratch));
  std::set<std::uint64_t> values = {value_of(hasher("x", scratch)), hasher.table_seed(),
                                    hasher.check_value()};
  for (const auto purpose :
       {AccountHasher::Purpose::kEventId, AccountHasher::Purpose::kPasswordToken,
        AccountHasher::Purpose::kClient, AccountHasher::Purpose::kTable}) {
    values.insert(hasher.keyed(purpose, "ux"));  // what the account "x" hashes as
  }
  EXPECT_EQ(values.size(), 7U);
}

class KeyFile : public ::testing::Test {
 protected:
  std::filesystem::path write(std::string_view text, mode_t mode) {
    const auto file = folder_ / "key";
    std::filesystem::remove(file);
    std::ofstream(file) << text;
    EXPECT_EQ(::chmod(file.c_str(), mode), 0);
    return file;
  }
  static std::string problem(const std::filesystem::path& file) {
    const auto hasher = AccountHasher::from_file(file);
    EXPECT_FALSE(hasher.has_value());
    if (hasher) return {};
    EXPECT_EQ(hasher.error().kind, config::Error::Kind::kConfiguration);
    EXPECT_THAT(hasher.error().message, HasSubstr(file.string()));
    return hasher.error().message;
  }

  static constexpr std::string_view kKey =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1E1F";
  const test::TemporaryFolder temporary_;
  const std::filesystem::path& folder_ = temporary_.path();
};

TEST_F(KeyFile, GivesTheSameKeysEveryTime) {
  const auto file = write(std::string(kKey) + "\n", 0400);
  const auto one = AccountHasher::from_file(file), two = AccountHasher::from_file_or_create(file);
  ASSERT_TRUE(one && two) << one.error().message;
  std::string scratch;
  EXPECT_EQ((*one)("alice", scratch), (*two)("alice", scratch));
  EXPECT_EQ(one->check_value(), two->check_value());
  EXPECT_FALSE(one->is_public());
  EXPECT_NE(one->check_value(), AccountHasher::public_key().check_value());
  EXPECT_NE((*one)("alice", scratch), AccountHasher::public_key()("alice", scratch));
}

TEST_F(KeyFile, IsMadeOnceAndPrivate) {
  const auto file = folder_ / "key";
  const auto made = AccountHasher::from_file_or_create(file);
  ASSERT_TRUE(made) << made.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0400U);
  EXPECT_EQ(status.st_size, 65);
  EXPECT_EQ(AccountHasher::from_file(file)->check_value(), made->check_value());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}),
            1);  // the draft is gone
  const auto other = AccountHasher::from_file_or_create(folder_ / "other");
  ASSERT_TRUE(other);
  EXPECT_NE(other->check_value(), made->check_value());
}

TEST_F(KeyFile, IsRefusedWhenOthersCanReadIt) {
  for (const mode_t mode : {mode_t{0440}, mode_t{0404}, mode_t{0644}, mode_t{0620}}) {
    const auto file = write(kKey, mode);
    EXPECT_THAT(problem(file), HasSubstr("chmod 0400 " + file.string()));
  }
}

TEST_F(KeyFile, MayCarryTheMaskOfASystemdCredential) {
  const auto file = write(kKey, 0440);
  ::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  EXPECT_TRUE(AccountHasher::from_file(file));
  ::chmod(file.c_str(), 0444);
  EXPECT_FALSE(AccountHasher::from_file(file));
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_F(KeyFile, IsRefusedWhenItIsNoKey) {
  const std::string key(kKey);
  for (const std::string& text : {std::string(), key.substr(1), key + "0", key + " ",
                                  "g" + key.substr(1), key + "\nx", key + key, "0x" + key}) {
    EXPECT_THAT(problem(write(text, 0400)), HasSubstr("64 hex digits")) << text;
  }
  EXPECT_EQ(problem(write(key.substr(1), 0400)).find(key.substr(1, 8)),
            std::string::npos);  // the message never quotes the key
}

TEST_F(KeyFile, SaysWhatToDoWhenItIsAbsentOrNoFile) {
  EXPECT_THAT(problem(folder_ / "absent"), HasSubstr("openssl rand -hex 32"));
  EXPECT_THAT(problem(folder_), HasSubstr("not a regular file"));
  const auto nowhere = AccountHasher::from_file_or_create(folder_ / "no" / "key");
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().message, HasSubstr("create its folder"));
}

}  // namespace
}  // namespace stuffwatch::corpus
