#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "ingest/file_source.h"

namespace stuffwatch::ingest {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

config::Result<std::vector<std::string>> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // removed meanwhile: not a file
    const auto kind = at->symlink_status(gone).type();
    if (is_hidden(at->path())) {
      if (kind == fs::file_type::directory) at.disable_recursion_pending();
    } else if (kind == fs::file_type::regular) {
      files.push_back(at->path().native());
    }
  }
  if (error) return config::failed("cannot list {}: {}", folder, error.message());
  if (files.empty())
    return config::failed("{}: holds no files (hidden ones and symbolic links are left out)",
                          folder);
  std::ranges::sort(files);
  return files;
}

}  // namespace

config::Result<std::vector<std::string>> expand_paths(const std::vector<std::string>& paths) {
  if (paths.empty())
    return config::misconfigured("no input: give a file, a folder, or - for standard input");
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    auto files = files_below(path);
    if (!files) return std::unexpected(files.error());
    out.insert(out.end(), files->begin(), files->end());
  }
  std::set<std::string> seen;
  for (const std::string& path : out) {
    std::error_code error;
    const fs::path whole = path == "-" ? fs::path(path) : fs::canonical(path, error);
    if (!error && !seen.insert(whole.native()).second)
      return config::misconfigured("{} is given twice: its events would count twice", path);
  }
  return out;
}

}  // namespace stuffwatch::ingest
