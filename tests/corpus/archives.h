// Packed files, written by libarchive.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace stuffwatch::corpus::testing {

struct Member {
  std::string name, text;
  unsigned type = AE_IFREG;
};

inline void write_file(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(out.good());
}

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in.good()) << file;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// `format`: "raw", "ustar", "zip", "7zip"; `filter`: nullptr, "gzip", "zstd", "xz", "bzip2"; `options` as
// archive_write_set_options(3) takes them.
inline std::string packed(const std::vector<Member>& members, const char* format,
                          const char* filter = nullptr, const char* options = nullptr) {
  const test::TemporaryFolder folder;
  const std::string file = (folder.path() / "packed").native();
  struct archive* const out = archive_write_new();
  EXPECT_EQ(archive_write_set_format_by_name(out, format), ARCHIVE_OK);
  if (filter != nullptr) {
    EXPECT_EQ(archive_write_add_filter_by_name(out, filter), ARCHIVE_OK);
  }
  if (options != nullptr) {
    EXPECT_EQ(archive_write_set_passphrase(out, "secret"), ARCHIVE_OK);
    EXPECT_EQ(archive_write_set_options(out, options), ARCHIVE_OK);
  }
  EXPECT_EQ(archive_write_open_filename(out, file.c_str()), ARCHIVE_OK);
  for (const Member& member : members) {
    struct archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, member.type);
    archive_entry_set_perm(entry, 0600);
    if (member.type == AE_IFLNK) archive_entry_set_symlink(entry, "elsewhere");
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.text.size()));
    EXPECT_EQ(archive_write_header(out, entry), ARCHIVE_OK) << archive_error_string(out);
    EXPECT_EQ(archive_write_data(out, member.text.data(), member.text.size()),
              static_cast<la_ssize_t>(member.text.size()));
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_free(out), ARCHIVE_OK);
  return read_file(file);
}

}  // namespace stuffwatch::corpus::testing
