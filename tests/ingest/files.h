// Files in a folder that goes away with the test, and compressed files written by libarchive, which ingest
// does not use.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace stuffwatch::ingest::testing {

class TempFolder {
 public:
  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return name.empty() ? folder_.path().native() : (folder_.path() / name).native();
  }
  std::string write(std::string_view name, std::string_view bytes) const {
    const std::filesystem::path file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    EXPECT_TRUE(out.good());
    return file.native();
  }

 private:
  const test::TemporaryFolder folder_;
};

inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// `filter`: "gzip", "zstd", "xz", "bzip2", "lz4"; `format`: "raw", "zip", "ustar".
inline std::string packed(const std::string& text, const char* filter, const char* format = "raw") {
  const TempFolder folder;
  const std::string file = folder.path("packed");
  struct archive* out = archive_write_new();
  EXPECT_EQ(archive_write_set_format_by_name(out, format), ARCHIVE_OK);
  if (filter != nullptr) {
    EXPECT_EQ(archive_write_add_filter_by_name(out, filter), ARCHIVE_OK);
  }
  EXPECT_EQ(archive_write_open_filename(out, file.c_str()), ARCHIVE_OK);
  struct archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, "log");
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0600);
  archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
  EXPECT_EQ(archive_write_header(out, entry), ARCHIVE_OK);
  EXPECT_EQ(archive_write_data(out, text.data(), text.size()),
            static_cast<la_ssize_t>(text.size()));
  archive_entry_free(entry);
  EXPECT_EQ(archive_write_free(out), ARCHIVE_OK);
  return read_all(file);
}

}  // namespace stuffwatch::ingest::testing
