// Rows of exports as programs write them: headers, quotes, dates, and what is refused.
#include "corpus/account_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>

namespace stuffwatch::corpus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Role = AccountColumns::Role;

AccountColumns columns_of(std::string_view header) {
  auto columns = AccountColumns::of_first_line(header);
  EXPECT_TRUE(columns) << columns.error().message;
  return columns.value();
}
AccountColumns said(std::string_view text) {
  auto columns = AccountColumns::parse(text);
  EXPECT_TRUE(columns) << columns.error().message;
  return columns.value();
}
AccountReject reject_of(const AccountColumns& columns, std::string_view line) {
  AccountRow row;
  return columns.read(line, row);
}
// account, id, class
using Texts = std::tuple<std::string, std::string, std::string>;
Texts texts_of(const AccountColumns& columns, std::string_view line) {
  AccountRow row;
  EXPECT_EQ(columns.read(line, row), AccountReject::kNone) << line;
  return {std::string(row.account), std::string(row.id), std::string(row.class_name)};
}

TEST(AccountColumns, AreFoundByTheWordsOfAHeader) {
  const AccountColumns columns = columns_of(
      "\xEF\xBB\xBF\"User-ID\";Name;E-Mail Address;Password Hash;Created At;deleted_at;Type\r\n");
  EXPECT_EQ(columns.word(Role::kAccount), "E-Mail Address");
  EXPECT_EQ(columns.word(Role::kId), "User-ID");
  EXPECT_EQ(columns.word(Role::kCreated), "Created At");
  EXPECT_EQ(columns.word(Role::kClosed), "deleted_at");
  EXPECT_EQ(columns.word(Role::kClass), "Type");
  EXPECT_THAT(columns.secrets(), ElementsAre("Password Hash"));
  AccountRow row;
  ASSERT_EQ(columns.read("u1;Ann;ann@example.com;secret;2024-05-17;;\"staff; old\"", row),
            AccountReject::kNone);
  EXPECT_EQ(row.account, "ann@example.com");
  EXPECT_EQ(row.id, "u1");
  EXPECT_EQ(row.class_name, "staff; old");
  EXPECT_EQ(row.created, 19860);  // 2024-05-17
  EXPECT_EQ(row.closed, 0);
}

TEST(AccountColumns, PreferTheWordThatSaysMost) {
  EXPECT_EQ(columns_of("name,login,id,account_id").word(Role::kAccount), "login");
  EXPECT_EQ(columns_of("name,login,id,account_id").word(Role::kId), "account_id");
  EXPECT_EQ(texts_of(columns_of("name\temail"), "Ann\tann@example.com"),
            Texts("ann@example.com", "", ""));
}

TEST(AccountColumns, OfALineWithoutADelimiterAreTheLine) {
  for (const std::string_view first : {"email", "ann@example.com", "Ann Other"}) {
    const AccountColumns columns = columns_of(first);
    EXPECT_EQ(columns.is_header(first), first == "email");
    EXPECT_EQ(texts_of(columns, " bob, the builder \n"), Texts("bob, the builder", "", ""));
  }
}

TEST(AccountColumns, OfALineThatMayHoldAPasswordMustBeSaid) {
  for (const std::string_view line :
       {"ann@example.com:secret", "ann,secret", "ann\tsecret", "a|secret"}) {
    const auto refused = AccountColumns::of_first_line(line);
    ASSERT_FALSE(refused) << line;
    EXPECT_EQ(refused.error().kind, config::Error::Kind::kConfiguration);
    EXPECT_THAT(refused.error().message, HasSubstr("--columns"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("secret")));
  }
}

TEST(AccountColumns, AreSaidByTheirWords) {
  const AccountColumns columns = said("id|skip|account|closed");
  EXPECT_EQ(texts_of(columns, "7|x|ann|"), Texts("ann", "7", ""));
  EXPECT_EQ(texts_of(said("account\\tid"), "ann\t7"), Texts("ann", "7", ""));
  EXPECT_EQ(texts_of(said("account"), "a|b:c"), Texts("a|b:c", "", ""));
  EXPECT_TRUE(columns.is_header("id|password|Login|closed_at"));
  EXPECT_FALSE(columns.is_header("7|email|ann|"));
  for (const std::string_view wrong : {"", "id", "skip,skip", "account,nonsense", "a\x1b[31m"}) {
    const auto refused = AccountColumns::parse(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, Not(HasSubstr("\x1b")));
  }
}

TEST(AccountColumns, UndoQuotes) {
  const AccountColumns columns = said("account,id");
  EXPECT_EQ(texts_of(columns, R"("a ""b"", c",  "d,e" )"), Texts(R"(a "b", c)", "d,e", ""));
  EXPECT_EQ(texts_of(columns, R"(o'neill,"")"), Texts("o'neill", "", ""));
  for (const std::string_view wrong : {R"("ann,7)", R"("ann"x,7)", R"(ann,"7)", R"(")"})
    EXPECT_EQ(reject_of(columns, wrong), AccountReject::kBadQuotes) << wrong;
}

TEST(AccountColumns, SayWhyARowIsNone) {
  const AccountColumns columns = said("account,id,created,closed,class");
  EXPECT_EQ(texts_of(columns, "ann"), Texts("ann", "", "")) << "cells may be missing at the end";
  const auto expect = [&](std::string_view line, AccountReject reject) {
    EXPECT_EQ(reject_of(columns, line), reject) << line;
    EXPECT_THAT(std::string(name_of(reject)), Not(IsEmpty()));
  };
  expect(" \r\n", AccountReject::kEmpty);
  expect(std::string(AccountColumns::kMaxLineBytes, 'x'), AccountReject::kNone);
  expect(std::string(AccountColumns::kMaxLineBytes + 1, 'x'), AccountReject::kTooLong);
  expect(",7", AccountReject::kNoAccount);
  expect("\"\",7", AccountReject::kNoAccount);
  expect("a\xff", AccountReject::kBadUtf8);
  expect("a,\xff", AccountReject::kBadUtf8);
  expect("a,7,2020-01-01,,staff,", AccountReject::kTooManyColumns);
  expect("a,7,soon", AccountReject::kBadDate);
  expect("a,7,,later", AccountReject::kBadDate);
  expect("a,7,,," + std::string(AccountColumns::kMaxClassBytes, 'c'), AccountReject::kNone);
  expect("a,7,,," + std::string(AccountColumns::kMaxClassBytes + 1, 'c'), AccountReject::kBadClass);
  expect("a,7,,,\x1b[31m", AccountReject::kBadClass);
}

}  // namespace
}  // namespace stuffwatch::corpus
