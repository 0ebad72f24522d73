// Registers of accounts against a map; their bytes, and damage of every kind.
#include "corpus/account_register.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "config/durable_file.h"
#include "corpus/account_register_writer.h"
#include "tests/corpus/archives.h"
#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kKeyCheck = 0x0123456789abcdef,
                        kTop = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kMsPerDay = 86'400'000;

class Registers : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path file() const { return folder_.path() / AccountRegister::kFileName; }
  [[nodiscard]] std::uint64_t write(AccountRegisterWriter& writer,
                                    const RegisterSource& source = {}) const {
    const auto duplicates = writer.finish(folder_.path(), source, kKeyCheck);
    EXPECT_TRUE(duplicates) << duplicates.error().message;
    return duplicates.value();
  }
  [[nodiscard]] AccountRegister open() const {
    auto opened = AccountRegister::open(folder_.path(), kKeyCheck);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened.value());
  }
  [[nodiscard]] config::Error error() const {
    const auto opened = AccountRegister::open(folder_.path(), kKeyCheck);
    EXPECT_FALSE(opened);
    return opened ? config::Error{} : opened.error();
  }
  test::TemporaryFolder folder_;
};

TEST_F(Registers, FindWhatAMapFinds) {
  std::mt19937_64 random(7);
  for (const std::size_t count : {0U, 1U, 2U, 8U, 9U, 255U, 5'000U, 100'000U}) {
    AccountRegisterWriter writer;
    std::map<std::uint64_t, RegisteredAccount> model;
    for (std::size_t i = 0; i < count; ++i) {
      // Some close together and at both ends, and some more than once.
      const std::uint64_t hash = i % 7 == 0   ? random() % 64
                                 : i % 7 == 1 ? kTop - random() % 64
                                              : random();
      const RegisteredAccount account{hash, random(), static_cast<Day>(random()),
                                      static_cast<Day>(random() % 3 == 0 ? random() : 0)};
      writer.add(account);
      model[hash] = account;
    }
    RegisterSource source;
    source.loaded_ms = 30'000 * kMsPerDay;
    EXPECT_EQ(write(writer, source), count - model.size());
    const AccountRegister accounts = open();
    ASSERT_EQ(accounts.accounts().size(), model.size());
    std::vector<AccountKey> keys;
    std::uint64_t is_open = 0;
    for (const auto& [hash, account] : model) {
      for (const std::uint64_t near : {hash - 1, hash, hash + 1}) keys.push_back(AccountKey{near});
      is_open += account.closed == 0 || account.closed > 30'000;
    }
    for (int i = 0; i < 1000; ++i) keys.push_back(AccountKey{random()});
    EXPECT_EQ(accounts.open_accounts(), is_open);
    std::vector<const RegisteredAccount*> found(keys.size());
    accounts.find(keys, found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto expected = model.find(value_of(keys[i]));
      ASSERT_EQ(found[i] != nullptr, expected != model.end());
      ASSERT_EQ(found[i], accounts.find(keys[i]));
      if (found[i] == nullptr) continue;
      ASSERT_EQ(std::memcmp(found[i], &expected->second, sizeof expected->second), 0);
    }
  }
}

TEST_F(Registers, SayWhoIsOpenOnTheDayOfTheLoad) {
  AccountRegisterWriter writer;
  writer.add({1, 0, 0, 0}), writer.add({2, 0, 0, 100}), writer.add({3, 0, 0, 101});
  RegisterSource source;
  source.loaded_ms = 100 * kMsPerDay + 5;
  ASSERT_EQ(write(writer, source), 0U);
  const AccountRegister accounts = open();
  EXPECT_EQ(accounts.open_accounts(), 2U);
  const auto is_open = [&](std::uint64_t hash) {
    return accounts.is_open(*accounts.find(AccountKey{hash}));
  };
  EXPECT_TRUE(is_open(1));
  EXPECT_FALSE(is_open(2));
  EXPECT_TRUE(is_open(3));
}

TEST_F(Registers, NumberClassesAsTheyCome) {
  AccountRegisterWriter writer;
  EXPECT_EQ(writer.class_number("").value(), 0);
  EXPECT_EQ(writer.class_number("staff").value(), 1);
  EXPECT_EQ(writer.class_number("customer").value(), 2);
  EXPECT_EQ(writer.class_number("staff").value(), 1);
  writer.add({5, 0, 0, 0, 2});
  ASSERT_EQ(write(writer), 0U);
  const AccountRegister accounts = open();
  EXPECT_THAT(accounts.classes(), ElementsAre("staff", "customer"));
  EXPECT_EQ(accounts.find(AccountKey{5})->class_number, 2);
}

TEST_F(Registers, RefuseClassesThatAreNone) {
  AccountRegisterWriter writer;
  for (std::size_t i = 0; i < AccountRegisterWriter::kMaxClasses; ++i)
    EXPECT_TRUE(writer.class_number(fmt::format("class {}", i)));
  EXPECT_EQ(writer.class_number("class 7").value(), 8);
  const auto refused = writer.class_number("one more");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--columns"));
}

// What a version means: an older program wrote this, and a later one reads it. Never mend the constants; make a new version.
TEST_F(Registers, KeepTheirForm) {
  AccountRegisterWriter writer;
  EXPECT_EQ(writer.class_number("staff").value(), 1);
  writer.add({0xfedcba9876543210, 0x1122334455667788, 18'000, 19'000, 1});
  writer.add({1, 0, 0, 0, 0});
  RegisterSource source;
  source.rows = 5, source.loaded_ms = 1'700'000'000'000;
  source.rejected[static_cast<std::size_t>(AccountReject::kBadDate)] = 3;
  ASSERT_EQ(write(writer, source), 0U);
  const std::string bytes = config::read_file(file()).value();
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  const auto zeros = [](std::size_t count) { return std::string(2 * count, '0'); };
  EXPECT_EQ(hex.substr(0, 2 * 200),
            "4143435452454731"
            "01000000e0000000"
            "1601000000000000"
            "0200000000000000"
            "efcdab8967452301"
            "0100000001000000"
            "0500000000000000"
            "0000000000000000" +
                zeros(7 * 8) + "0300000000000000" + zeros(8 * 8) + "0068e5cf8b010000");
  EXPECT_EQ(hex.substr(2 * 224),
            "0100000000000000"
            "0000000000000000"
            "0000000000000000"
            "1032547698badcfe"
            "8877665544332211"
            "5046384a01000000"
            "057374616666");
  EXPECT_EQ(fmt::format("{:016x}", ::XXH3_64bits(bytes.data(), bytes.size())), "0610a86c3fb44348");
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const AccountRegister accounts = open();
  EXPECT_EQ(accounts.source().rejected[7], 3U);
}

class DamagedRegisters : public Registers {
 protected:
  DamagedRegisters() {
    AccountRegisterWriter writer;
    EXPECT_EQ(writer.class_number("staff").value(), 1);
    for (std::uint64_t i = 0; i < 40; ++i) writer.add({i * 0x0cccccccccccccc5, i, 1, 0, 1});
    EXPECT_EQ(write(writer), 0U);
    whole_ = config::read_file(file()).value();
  }
  [[nodiscard]] bool is_told(std::string_view bytes) const {
    testing::write_file(file(), bytes);
    const auto opened = AccountRegister::open(folder_.path(), kKeyCheck);
    if (opened) return false;
    EXPECT_THAT(opened.error().message, HasSubstr(file().native()));
    return true;
  }
  // With checksums that fit: made by somebody who wants to harm.
  [[nodiscard]] static std::string mended(std::string bytes) {
    RegisterHeader h;
    std::memcpy(&h, bytes.data(), sizeof h);
    const std::size_t entries = h.accounts * sizeof(RegisteredAccount);
    h.accounts_xxh3 = ::XXH3_64bits(bytes.data() + sizeof h, entries);
    h.classes_xxh3 =
        ::XXH3_64bits(bytes.data() + sizeof h + entries, bytes.size() - sizeof h - entries);
    h.xxh3 = ::XXH3_64bits(&h, sizeof h - sizeof h.xxh3);
    std::memcpy(bytes.data(), &h, sizeof h);
    return bytes;
  }
  std::string whole_;
};

TEST_F(DamagedRegisters, AreFoundOutByEachOfTheirBytes) {
  EXPECT_FALSE(is_told(whole_));
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ (at % 2 == 0 ? 0x01 : 0x80));
    EXPECT_TRUE(is_told(bytes)) << at;
  }
}

TEST_F(DamagedRegisters, AreFoundOutByTheirLength) {
  for (std::size_t length = 0; length < whole_.size(); ++length)
    EXPECT_TRUE(is_told(std::string_view(whole_).substr(0, length))) << length;
  EXPECT_TRUE(is_told(whole_ + '\0'));
}

TEST_F(DamagedRegisters, AreRefusedThatWereMadeToHarm) {
  const auto with = [&](std::size_t at, const auto& value) {
    std::string bytes = whole_;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return mended(bytes);
  };
  constexpr std::size_t kFirst = sizeof(RegisterHeader), kEntry = sizeof(RegisteredAccount);
  EXPECT_FALSE(is_told(mended(whole_)));
  EXPECT_TRUE(is_told(with(kFirst, kTop))) << "not in order";
  EXPECT_TRUE(is_told(with(kFirst + kEntry, std::uint64_t{0}))) << "twice";
  EXPECT_TRUE(is_told(with(kFirst + 20, std::uint16_t{2}))) << "a class that is none";
  EXPECT_TRUE(is_told(with(whole_.size() - 6, std::uint8_t{200}))) << "a name that is cut";
  EXPECT_TRUE(is_told(with(whole_.size() - 6, std::uint8_t{0}))) << "an empty name";
  EXPECT_TRUE(is_told(with(44, std::uint32_t{2}))) << "fewer classes";
  EXPECT_TRUE(is_told(with(8, std::uint32_t{2}))) << "another version";
  EXPECT_TRUE(is_told(with(40, std::uint32_t{2}))) << "another form of names";
}

TEST_F(Registers, OfAnotherKeyAreRefusedUnlessOnlyCounted) {
  AccountRegisterWriter writer;
  writer.add({1});
  ASSERT_EQ(write(writer), 0U);
  const auto other = AccountRegister::open(folder_.path(), kKeyCheck + 1);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, config::Error::Kind::kConfiguration);
  EXPECT_THAT(other.error().message, HasSubstr("another key"));
  EXPECT_TRUE(AccountRegister::open(folder_.path(), {}));
}

TEST_F(Registers, ThatAreNotThereSayWhatToDo) {
  EXPECT_THAT(error().message, HasSubstr("stuffwatch accounts load"));
  fs::create_directory(file());
  EXPECT_THAT(error().message, HasSubstr("no register of accounts"));
}

TEST_F(Registers, StayReadableWhenTheyAreReplaced) {
  AccountRegisterWriter first, second;
  first.add({1}), second.add({2});
  ASSERT_EQ(write(first), 0U);
  const AccountRegister before = open();
  ASSERT_EQ(write(second), 0U);
  EXPECT_NE(before.find(AccountKey{1}), nullptr);
  EXPECT_EQ(open().find(AccountKey{1}), nullptr);
  EXPECT_FALSE(fs::exists(file().native() + ".new"));
}

}  // namespace
}  // namespace stuffwatch::corpus
