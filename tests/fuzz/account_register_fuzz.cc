// Any bytes as a register of accounts, as they are and with checksums that fit: refused with a reason, or every answer is one of its accounts.
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "corpus/account_register.h"

namespace {

using namespace stuffwatch::corpus;

constexpr std::uint64_t kKeyCheck = 0x0123456789abcdef;

void must(bool holds) {
  if (!holds) std::abort();
}

// A folder in which the register is a link to a file in memory.
struct Folder {
  std::filesystem::path path;
  int file = ::memfd_create("register", MFD_CLOEXEC);
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "register-fuzz-XXXXXX").native();
    must(file >= 0 && ::mkdtemp(name.data()) != nullptr);
    path = name;
    std::filesystem::create_symlink(fmt::format("/proc/self/fd/{}", file),
                                    path / AccountRegister::kFileName);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

void check(std::string_view bytes) {
  static const Folder folder;
  must(::ftruncate(folder.file, 0) == 0);
  must(::pwrite(folder.file, bytes.data(), bytes.size(), 0) == std::ssize(bytes));
  const auto opened = AccountRegister::open(folder.path, kKeyCheck);
  must(opened || !opened.error().message.empty());
  if (!opened) return;
  std::vector<AccountKey> keys{AccountKey{0}, AccountKey{~std::uint64_t{0}}};
  std::uint64_t open = 0;
  for (const RegisteredAccount& account : opened->accounts()) {
    must(account.class_number <= opened->classes().size());
    open += opened->is_open(account);
    for (const std::uint64_t near : {account.hash - 1, account.hash, account.hash + 1})
      keys.push_back(AccountKey{near});
  }
  must(open == opened->open_accounts());
  std::vector<const RegisteredAccount*> found(keys.size());
  opened->find(keys, found);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool there = std::ranges::binary_search(opened->accounts(), value_of(keys[i]), {},
                                                  &RegisteredAccount::hash);
    must(there == (found[i] != nullptr) && (!there || found[i]->hash == value_of(keys[i])));
  }
}

void mend(std::string& bytes) {
  RegisterHeader h;
  if (bytes.size() < sizeof h) return;
  std::memcpy(&h, bytes.data(), sizeof h);
  h.magic = kRegisterMagic, h.version = kRegisterVersion, h.header_bytes = sizeof h;
  h.file_bytes = bytes.size(), h.key_check = kKeyCheck, h.canonical_version = kCanonicalVersion;
  const std::size_t room = bytes.size() - sizeof h,
                    entries = std::min<std::size_t>(h.accounts, room / sizeof(RegisteredAccount)) *
                              sizeof(RegisteredAccount);
  h.accounts_xxh3 = ::XXH3_64bits(bytes.data() + sizeof h, entries);
  h.classes_xxh3 = ::XXH3_64bits(bytes.data() + sizeof h + entries, room - entries);
  h.xxh3 = ::XXH3_64bits(&h, sizeof h - sizeof h.xxh3);
  std::memcpy(bytes.data(), &h, sizeof h);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string input(reinterpret_cast<const char*>(bytes), size);
  check(input);
  mend(input);
  check(input);
  return 0;
}
