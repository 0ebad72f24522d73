#include "corpus/list_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace stuffwatch::corpus {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;

ListFormat format(std::string_view text) {
  const auto parsed = ListFormat::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed.value_or(ListFormat());
}

std::string account(const ListFormat& of, std::string_view line) {
  std::string scratch;
  const ListLine found = of.account_of(line, scratch);
  EXPECT_EQ(found.account.empty(), found.reject != LineReject::kNone) << line;
  return found.reject == LineReject::kNone ? std::string(found.account)
                                           : "!" + std::string(name_of(found.reject));
}

struct Row {
  std::string_view format, line, account;  // "!reason" when there is none
};

constexpr Row kLines[] = {
    {"email", "alice@example.com", "alice@example.com"},
    {"email", "\xEF\xBB\xBF  Alice@Example.com \r\n", "Alice@Example.com"},
    {"email", "\"alice@example.com\"", "alice@example.com"},
    {"email", "'alice@example.com'", "alice@example.com"},
    {"email", "\0alice@example.com\0\r"sv, "alice@example.com"},
    {"email", "alice@example.com:secret", "!bad_domain"},
    {"email:pass", "alice@example.com:secret", "alice@example.com"},
    {"email:pass", "alice@example.com", "alice@example.com"},
    {"email:pass", "alice@example.com:", "alice@example.com"},
    {"email:pass", "alice@example.com:pa:ss@w.ord", "alice@example.com"},
    {"email:pass", "alice@example.com:\xff\xfe", "alice@example.com"},  // a password is any bytes
    {"email:pass", "\"alice@example.com:secret\"", "alice@example.com"},
    {"email:pass", "alice:p@ss.word", "!no_at"},  // never the password, whatever it looks like
    {"email:pass", ":secret", "!no_account"},
    {"email;pass", "alice@example.com;a;b", "alice@example.com"},
    {"email\\tpass", "alice@example.com\tsecret", "alice@example.com"},
    {"email pass", "alice@example.com   secret", "alice@example.com"},
    {"email----pass", "alice@example.com----se-cret", "alice@example.com"},
    {"user|pass", "alice|secret", "alice"},
    {"user|pass", "CORP\\alice | secret", "CORP\\alice"},
    {"user|pass", "alice@example.com|secret", "alice@example.com"},
    {"user|pass", "@alice|secret", "@alice"},
    {"user|pass", "5f4dcc3b5aa765d61d8327deb882cf99|secret", "!hash_only"},
    {"user|pass", "Username|Password", "!header"},
    {"user|pass", "\xff|secret", "!bad_utf8"},
    {"user,pass", "\"alice, of example\",\"se\"\"cret\"", "alice, of example"},
    {"user,pass", "\"al\"\"ice\",secret", "al\"ice"},
    {"user,pass", "\"alice,secret", "alice"},  // no quote closes it
    {"id,email,pass", "7, \"alice@example.com\" ,x", "alice@example.com"},
    {"id,name,email", "7,\"Smith, Alice\",alice@example.com", "alice@example.com"},
    {"pass:email", "secret:alice@example.com", "alice@example.com"},
    {"pass:email", "s:e@c.r:et:alice@example.com", "alice@example.com"},
    {"pass:email", "alice@example.com", "!no_account"},
    {"pass:email:id", "s:e:cret:alice@example.com:7", "alice@example.com"},
    {"id:user:email:hash", "7:al:alice@example.com:5f4dcc3b", "alice@example.com"},
    {"id | user | email | hash", "7 | al | alice@example.com | 5f4dcc3b", "alice@example.com"},
    {"id:user:email:hash", "7:al", "!no_account"},
    {"skip\\temail", "\talice@example.com", "alice@example.com"},
    {"account,list", "alice@example.com,Acme 2019", "alice@example.com"},
    {"account,list", "alice,\"Acme, Inc 2019\"", "alice"},
    {"url:login:pass", "https://shop.example/a:alice:secret", "alice"},
    {"url:login:pass", "https://shop.example:8443/a:alice@example.com:secret", "alice@example.com"},
    {"url:login:pass", "https://shop.example:8443:alice:secret", "alice"},
    {"url:login:pass", "https://shop.example:4711:secret", "4711"},
    {"url:login:pass", "https://shop.example/a:4711:se:cret", "4711"},
    {"url:login:pass", "android://Zm9v@com.example.app/:alice:secret", "alice"},
    {"url:login:pass", "shop.example/a:alice:se://cret", "alice"},
    {"url|login|pass", "https://shop.example:8443/a|alice|secret", "alice"},
    {"login:pass:url", "alice:secret:https://shop.example/", "alice"},
    {"(id,user,email,hash)", "(7,'al','alice@example.com','x'),", "alice@example.com"},
    {"(id,user,email,hash)", "INSERT INTO `u` (`id`,`e`) VALUES (7,'a)','alice@example.com','x');",
     "alice@example.com"},
    {"(id,user)", "(7,'O\\'Neil, \"Al\"')", "O'Neil, \"Al\""},
    {"(id,email)", "(7,'a@example.com'),(8,'b@example.com');", "!several_accounts"},
    {"(id,email)", "(7)", "!no_account"},
    {"(id,email)", "CREATE TABLE `u` (`id` int,", "!no_account"},
    {"(id,email)", "INSERT INTO `u` VALUES", "!no_account"},
    {"mixed", "alice@example.com;a:b", "alice@example.com"},
    {"mixed", "alice@example.com a", "alice@example.com"},
    {"mixed", "\"alice@example.com\",\"a\"", "alice@example.com"},
    {"mixed", "alice:p@ss.word", "!no_at"},
    {"email:pass", "", "!empty"},
    {"email\\tpass", " \t\0\r\n"sv, "!empty"},
    {"email:pass", "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed:3", "!hash_only"},
    {"email:pass", "email:password", "!header"},
    {"email", "E-Mail", "!header"},
    {"email", "alice@@example.com", "!bad_address"},
    {"email", "alice@bob@example.com", "!bad_address"},
    {"email", "al ice@example.com", "!bad_address"},
    {"email", "a\0b@example.com"sv, "!bad_address"},
    {"email", "@example.com", "!bad_address"},
    {"email", "alice@example", "!bad_domain"},
    {"email", "alice@", "!bad_domain"},
    {"email", "alice@.example", "!bad_domain"},
    {"email", "alice@example..com", "!bad_domain"},
    {"email", "alice@exa mple.com", "!bad_domain"},
    {"email", "alice@192.0.2.7", "!bad_domain"},
    {"email", "alice@example.com----x", "!bad_domain"},
    {"email", "alice@example.xn--kgbechtv", "alice@example.xn--kgbechtv"},
    {"email", "alice@example.com.", "alice@example.com."},
    {"email", "o'neil+x/y=z@example.com", "o'neil+x/y=z@example.com"},
    {"email", "\u00e4lice@b\u00fccher.example", "\u00e4lice@b\u00fccher.example"},
    {"email", "\xe4lice@example.com", "!bad_utf8"},
    {"email", "alice@b\xfc.example", "!bad_utf8"},
};

TEST(ListFormat, FindsTheAccountInTheLine) {
  for (const Row& row : kLines)
    EXPECT_EQ(account(format(row.format), row.line), row.account)
        << row.format << " <- " << ::testing::PrintToString(row.line);
}

TEST(ListFormat, KnowsTheLimitsOfAnAddress) {
  const ListFormat email;
  const std::string local64(64, 'a'), label(62, 'b');
  const std::string domain255 = label + "." + label + "." + label + "." + label + ".cde";
  ASSERT_EQ(domain255.size(), 255U);
  EXPECT_EQ(account(email, local64 + "@" + domain255), local64 + "@" + domain255);
  EXPECT_EQ(account(email, local64 + "a@example.com"), "!bad_address");
  EXPECT_EQ(account(email, "a@f" + domain255), "!bad_domain");
  const std::string longest = "a@example.com:" + std::string(ListFormat::kMaxLineBytes - 14, 'x');
  EXPECT_EQ(account(format("email:pass"), longest), "a@example.com");
  EXPECT_EQ(account(format("email:pass"), longest + "x"), "!too_long");
}

TEST(ListFormat, NamesEveryRejectOnce) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(LineReject::kCount); ++i)
    names.insert(name_of(static_cast<LineReject>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(LineReject::kCount));
}

TEST(ListFormat, IsCalledWhatItIsParsedFrom) {
  for (const std::string_view text :
       {"email", "email:pass", "pass:email", "user|pass", "account,list", "email\\tpass",
        "email pass", "url:login:pass", "(id,user,email,hash)", "mixed", "email----pass",
        "skip;skip;email;pass"})
    EXPECT_EQ(format(text).name(), text);
  EXPECT_EQ(format("ID | E_Mail").name(), "id|e_mail");
  EXPECT_EQ(ListFormat().name(), "email");
}

TEST(ListFormat, SaysWhatIsWrongWithAFormatAndWhatToWrite) {
  const auto problem = [](std::string_view text) {
    const auto parsed = ListFormat::parse(text);
    EXPECT_FALSE(parsed) << text;
    if (parsed) return std::string();
    EXPECT_EQ(parsed.error().kind, config::Error::Kind::kConfiguration);
    EXPECT_THAT(parsed.error().message, HasSubstr("url:login:pass")) << text;
    return parsed.error().message;
  };
  EXPECT_THAT(problem("emial:pass"), HasSubstr("did you mean email?"));
  EXPECT_THAT(problem(""), HasSubstr("no field is called ''"));
  EXPECT_THAT(problem("email:"), HasSubstr("no field is called ''"));
  EXPECT_THAT(problem(":email"), HasSubstr("no field is called ''"));
  EXPECT_THAT(problem("email:pass;id"), HasSubstr("one delimiter"));
  EXPECT_THAT(problem("email-----pass"), HasSubstr("one delimiter"));
  EXPECT_THAT(problem("(id;email)"), HasSubstr("one delimiter"));
  EXPECT_THAT(problem("id:pass"), HasSubstr("where the account is"));
  EXPECT_THAT(problem("pass:email:pass"), HasSubstr("on one side"));
  EXPECT_THAT(problem("pass:email:url"), HasSubstr("on one side"));
  std::string many = "email";
  for (int i = 0; i < 24; ++i) many += ":skip";
  EXPECT_THAT(ListFormat::parse(many).error().message, HasSubstr("leave out"));
}

// --- guessing ---

struct Guess {
  std::string_view format;
  std::vector<std::string_view> lines;
};

TEST(ListFormat, GuessesFromTheFirstLines) {
  const Guess kGuesses[] = {
      {"email", {"a@example.com", "b@example.com", "# c"}},
      {"email:pass", {"a@example.com:x", "b@example.com:y:z", "junk", "c@example.com:w,w"}},
      {"email;pass", {"a@example.com;x:y", "b@example.com;x:y"}},
      {"email|pass", {"a@example.com|x", "b@example.com|x"}},
      {"email,pass", {"\"a@example.com\",\"x\"", "\"b@example.com\",\"x\""}},
      {"email\\tpass", {"a@example.com\tx y", "b@example.com\tz"}},
      {"email pass", {"a@example.com x", "b@example.com z"}},
      {"email----pass", {"a@example.com----x", "b@example.com----z"}},
      {"pass:email", {"x:a@example.com", "y:z:b@example.com"}},
      {"skip:skip:email:pass", {"1:a:a@example.com:h", "2:b:b@example.com:h:s"}},
      {"url:login:pass",
       {"https://x.example/:a@example.com:p", "https://y.example:8443/p:bob:p", "junk"}},
      {"url|login|pass", {"https://x.example/|a@example.com|p", "https://y.example|bob|p"}},
      {"(skip,skip,email,pass)",
       {"-- dump", "INSERT INTO `u` VALUES", "(1,'a','a@example.com','x'),",
        "(2,'b','b@example.com','y');"}},
      {"mixed", {"a@example.com:x", "b@example.com;x", "c@example.com x"}},
      {"user:pass", {"alice:x", "bob:p@ss.word", "carol:y", "dave:z"}},
      {"user:pass", {"alice:x", "bob@example.com:y", "carol:z", "dave@example.com:z"}},
      {"user|pass", {"alice|x", "bob|y:", "carol|z:"}},
      {"email", {"password1", "letmein", "correct horse"}},  // bare words may be passwords
      {"email",
       {"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"}},
      {"email", {}},
      {"email", {"", " "}},
      {"id,email,password", {"id,email,password", "1,a@example.com,x"}},
      {"skip;username;hash", {"Nr.;\"UserName\";Hash", "1;alice;x"}},
      {"account,breach", {"Account,Breach", "alice,Acme"}},
      {"email_address,date", {"Email Address,Date", "a@example.com,2020"}},
  };
  for (const Guess& guess : kGuesses)
    EXPECT_EQ(ListFormat::guess(guess.lines).name(), guess.format)
        << ::testing::PrintToString(guess.lines);
}

TEST(ListFormat, LooksAtTheFirstLinesOnly) {
  std::vector<std::string_view> lines(ListFormat::kGuessLines, "a@example.com:x");
  lines.resize(3 * ListFormat::kGuessLines, "a@example.com;x");
  EXPECT_EQ(ListFormat::guess(lines).name(), "email:pass");
}

// --- properties ---

std::string random_text(std::mt19937_64& random, std::string_view letters, std::size_t most) {
  std::string text;
  for (std::size_t n = random() % (most + 1); n > 0; --n)
    text += letters[random() % letters.size()];
  return text;
}

TEST(ListFormat, IsNotMisledByAnyPassword) {
  std::mt19937_64 random(11);
  std::string scratch;
  for (const std::string_view text :
       {"email:pass", "email;pass", "email|pass", "email,pass", "email\tpass", "email pass",
        "pass:email", "pass;email", "pass:email:id", "user:pass", "id:email:pass", "url:login:pass",
        "mixed"}) {
    const ListFormat of = format(text);
    for (int i = 0; i < 20'000; ++i) {
      const std::string wanted = "u" + std::to_string(random() % 1000) + "@example.com";
      const std::string password = "p" + random_text(random, "a0@.:;|,/ \"'\t\\\xff", 12);
      std::string line(text == "mixed" ? "email:pass" : text);
      const auto put = [&line](std::string_view field, std::string_view value) {
        if (const auto at = line.find(field); at != std::string::npos)
          line.replace(at, field.size(), value);
      };
      for (const std::string_view field : {"email", "user", "login"}) put(field, "\1");
      put("url", "https://www.example.com:8443/x");
      put("id", "7");
      put("pass", password);
      put("\1", wanted);
      const ListLine found = of.account_of(line, scratch);
      ASSERT_EQ(found.account, wanted) << text << " <- " << ::testing::PrintToString(line);
    }
  }
}

TEST(ListFormat, GivesAPartOfTheLineWhateverIsInIt) {
  std::mt19937_64 random(12);
  std::string scratch;
  for (const std::string_view text :
       {"email", "email:pass", "user,pass", "pass:email", "id;user;pass", "url:login:pass",
        "url|login|pass", "(id,user)", "(email)", "mixed", "email pass", "skip----user"}) {
    const ListFormat of = format(text);
    for (int i = 0; i < 50'000; ++i) {
      const std::string line =
          random_text(random, "ab@@.:;|,-/ \"'()\\\t\r\n\xef\xbb\xbf\xc3\0"sv, 24);
      scratch.assign(1, '\1');
      const ListLine found = of.account_of(line, scratch);
      ASSERT_EQ(found.account.empty(), found.reject != LineReject::kNone);
      const bool unescaped = scratch != "\1";
      ASSERT_TRUE(unescaped || line.find(found.account) != std::string::npos)
          << ::testing::PrintToString(line);
    }
  }
}

}  // namespace
}  // namespace stuffwatch::corpus
