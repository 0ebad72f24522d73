#include "corpus/list_input.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace stuffwatch::corpus {

namespace fs = std::filesystem;
using config::misconfigured;
using config::Result;

Result<std::unique_ptr<ListInput>> ListInput::open(std::vector<std::string> inputs) {
  if (inputs.empty())
    return misconfigured("no list given: name files or folders, or - for standard input");
  if (std::ranges::count(inputs, "-") > 1)
    return misconfigured("standard input can be read once only: give - once");
  std::unique_ptr<ListInput> made(new ListInput);
  made->inputs_ = std::move(inputs);
  for (std::size_t i = 0; i < made->inputs_.size(); ++i)
    if (const auto added = made->add(made->inputs_[i], i); !added)
      return std::unexpected(added.error());
  return made;
}

Result<void> ListInput::add(const std::string& input, std::size_t number) {
  if (input == "-") {
    bytes_total_.reset();
    files_.push_back({input, number});
    return {};
  }
  std::error_code error;
  const fs::file_status status = fs::status(input, error);
  if (!fs::exists(status))
    return misconfigured("{}: {}; name a file, a folder or -", input,
                         error ? error.message() : "there is no such file");
  if (fs::is_directory(status)) return add_folder(input, number);
  return add_file(input, number);
}

// Links to files are followed, links to folders are not: they may lead in circles.
Result<void> ListInput::add_folder(const std::string& folder, std::size_t number) {
  std::error_code error, no_file;
  std::vector<std::string> paths;
  fs::recursive_directory_iterator each(folder, error);
  for (; !error && each != fs::recursive_directory_iterator(); each.increment(error))
    if (each->is_regular_file(no_file)) paths.push_back(each->path().native());
  if (error) return misconfigured("{}: cannot be listed: {}", folder, error.message());
  if (paths.empty()) return misconfigured("{}: no file in this folder or below it", folder);
  std::ranges::sort(paths);
  for (const std::string& path : paths)
    if (const auto added = add_file(path, number); !added) return added;
  return {};
}

Result<void> ListInput::add_file(const std::string& path, std::size_t number) {
  if (::access(path.c_str(), R_OK) != 0)
    return misconfigured("{}: cannot be read by this user; change its mode or leave it out", path);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) bytes_total_.reset();  // a pipe
  if (bytes_total_) *bytes_total_ += size;
  files_.push_back({path, number});
  return {};
}

std::uint64_t ListInput::bytes_read() const {
  return bytes_before_ + (file_ ? file_->bytes_read() : 0);
}

Result<bool> ListInput::next(LineChunk& out) {
  out.lines = 0;
  while (out.lines == 0) {
    if (!in_text_) {
      const Result<bool> opened = open_text();
      if (!opened || !*opened) return opened;
    }
    if (const Result<void> filled = fill(out); !filled) return std::unexpected(filled.error());
  }
  return true;
}

// The next text, in this file or in those that follow.
Result<bool> ListInput::open_text() {
  while (true) {
    if (!file_ && next_file_ == files_.size()) {
      if (!digest_) digest_ = hash_.finish();
      return false;
    }
    if (!file_) {
      auto file = PackedFile::open(files_[next_file_++].path, hash_);
      if (!file) return std::unexpected(file.error());
      file_ = std::move(*file);
    }
    const Result<bool> text = file_->next_text();
    if (!text) return reached(text.error(), {});
    if (*text) {
      name_ = file_->name();
      member_ = file_->member();
      ++texts_;
      in_text_ = true;
      return true;
    }
    if (const Result<void> closed = close_file(); !closed) return std::unexpected(closed.error());
  }
}

Result<void> ListInput::close_file() {
  bytes_before_ += file_->bytes_read();
  file_.reset();
  const std::size_t input = files_[next_file_ - 1].input;
  if (next_file_ < files_.size() && files_[next_file_].input == input) return {};
  if (lines_ == lines_before_input_)
    return misconfigured("{}: holds no line; is it the right one?", inputs_[input]);
  lines_before_input_ = lines_;
  return {};
}

// What happened, and the lines that came before it, the last perhaps cut.
std::unexpected<config::Error> ListInput::reached(config::Error error,
                                                  std::string_view unread) const {
  const auto more = static_cast<std::uint64_t>(std::ranges::count(unread, '\n'));
  error.message += fmt::format(" (after {} lines)", lines_ + more);
  return std::unexpected(std::move(error));
}

Result<void> ListInput::fill(LineChunk& out) {
  std::string& bytes = out.bytes;
  std::size_t size = rest_.size();
  bytes.reserve(kChunkBytes + 1);  // the last line may want an end
  bytes.assign(rest_);
  bytes.resize_and_overwrite(kChunkBytes, [](char*, std::size_t room) { return room; });
  bool ended = false;
  while (size < kChunkBytes && !ended) {
    const Result<std::size_t> got = file_->read(bytes.data() + size, kChunkBytes - size);
    if (!got) return reached(got.error(), std::string_view(bytes).substr(0, size));
    ended = *got == 0;
    size += *got;
  }
  bytes.resize(size);
  cut(bytes, ended);
  in_text_ = !ended;
  out.first_line = lines_;
  out.lines = static_cast<std::uint32_t>(std::ranges::count(bytes, '\n'));
  out.text = texts_ - 1;
  lines_ += out.lines;
  return {};
}

// Leaves whole lines in `bytes`, and keeps what is behind them.
void ListInput::cut(std::string& bytes, bool ended) {
  rest_.clear();
  if (in_long_line_) {
    const std::size_t end = bytes.find('\n');
    in_long_line_ = end == std::string::npos && !ended;
    bytes.erase(0, end == std::string::npos ? end : end + 1);
  }
  const std::size_t last = bytes.rfind('\n');
  if (ended) {
    if (!bytes.empty() && last != bytes.size() - 1) bytes += '\n';
  } else if (last == std::string::npos && bytes.size() == kChunkBytes) {
    bytes.resize(kCutLine);
    bytes += '\n';
    in_long_line_ = true;
  } else {
    rest_.assign(bytes, last + 1);  // all of it when there is no line end
    bytes.resize(last + 1);
  }
}

}  // namespace stuffwatch::corpus
