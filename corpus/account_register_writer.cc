#include "corpus/account_register_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "config/durable_file.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;

std::string_view bytes_of(const std::vector<RegisteredAccount>& accounts) {
  return {reinterpret_cast<const char*>(accounts.data()),
          accounts.size() * sizeof(RegisteredAccount)};
}

// By hash, of equal ones the last.
void settle(std::vector<RegisteredAccount>& accounts) {
  std::ranges::stable_sort(accounts, {}, &RegisteredAccount::hash);
  std::size_t kept = 0;
  for (const RegisteredAccount& account : accounts) {
    if (kept != 0 && accounts[kept - 1].hash == account.hash) --kept;
    accounts[kept++] = account;
  }
  accounts.resize(kept);
}

config::Result<config::FileDescriptor> lock(const fs::path& folder) {
  auto file = config::open_file(folder / AccountRegister::kLockName, O_RDWR | O_CREAT);
  if (file && ::flock(file->get(), LOCK_EX | LOCK_NB) != 0)
    return config::failed("{} is being loaded by another process: wait for it, or end it",
                          folder.string());
  return file;
}

}  // namespace

config::Result<std::uint16_t> AccountRegisterWriter::class_number(std::string_view name) {
  if (name.empty()) return 0;
  const auto at = std::ranges::find(classes_, name);
  const auto number = static_cast<std::uint16_t>(at - classes_.begin() + 1);
  if (at != classes_.end()) return number;
  if (classes_.size() == kMaxClasses)
    return config::misconfigured(
        "more than {} different classes: that column is none; say which columns to read, as in "
        "--columns account,skip",
        kMaxClasses);
  classes_.emplace_back(name);
  return number;
}

RegisterHeader AccountRegisterWriter::header_of(const RegisterSource& source,
                                                std::string_view classes) {
  RegisterHeader header;
  header.source = source;
  const std::unique_ptr<XXH3_state_t, decltype(&::XXH3_freeState)> sum(::XXH3_createState(),
                                                                       ::XXH3_freeState);
  if (sum == nullptr) throw std::bad_alloc();
  ::XXH3_64bits_reset(sum.get());
  for (auto& part : parts_) {
    header.source.duplicates += part.size();
    settle(part);
    header.source.duplicates -= part.size();
    header.accounts += part.size();
    ::XXH3_64bits_update(sum.get(), bytes_of(part).data(), bytes_of(part).size());
  }
  header.accounts_xxh3 = ::XXH3_64bits_digest(sum.get());
  header.classes = static_cast<std::uint32_t>(classes_.size());
  header.classes_xxh3 = ::XXH3_64bits(classes.data(), classes.size());
  header.file_bytes = sizeof header + header.accounts * sizeof(RegisteredAccount) + classes.size();
  return header;
}

config::Result<std::uint64_t> AccountRegisterWriter::finish(const fs::path& folder,
                                                            const RegisterSource& source,
                                                            std::uint64_t key_check) {
  std::string classes;
  for (const std::string& name : classes_) {
    classes.push_back(static_cast<char>(name.size()));
    classes += name;
  }
  RegisterHeader header = header_of(source, classes);
  if (header.accounts > AccountRegister::kMaxAccounts)
    return config::failed("{} accounts are more than a register holds ({})", header.accounts,
                          AccountRegister::kMaxAccounts);
  header.key_check = key_check;
  header.xxh3 = ::XXH3_64bits(&header, sizeof header - sizeof header.xxh3);
  if (auto made = config::make_folder(folder); !made) return std::unexpected(made.error());
  const auto held = lock(folder);
  if (!held) return std::unexpected(held.error());
  auto draft = config::DraftFile::open(folder / AccountRegister::kFileName);
  if (!draft) return std::unexpected(draft.error());
  auto written = draft->write({reinterpret_cast<const char*>(&header), sizeof header});
  for (std::size_t i = 0; written && i < parts_.size(); ++i)
    written = draft->write(bytes_of(parts_[i]));
  if (written) written = draft->write(classes);
  if (written) written = draft->publish();
  if (!written) return std::unexpected(written.error());
  return header.source.duplicates;
}

}  // namespace stuffwatch::corpus
