// Undoes gzip, member after member, and verifies what libarchive's filter does not look at: the checksum
// and length of every member, and that nothing else follows the last but zeros.
//
// Threads: one at a time. Memory: 256 KiB and zlib's 40 KiB.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct z_stream_s;

namespace stuffwatch::corpus {

class RawFile;

class Gunzip {
 public:
  explicit Gunzip(RawFile& file);
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  ~Gunzip();

  // The next bytes of the text, valid until the next call; empty at the end, and when problem() is set.
  [[nodiscard]] std::string_view read();
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool more_input();
  bool next_member();
  std::string_view failed(std::string_view why);

  RawFile& file_;
  std::string problem_;
  std::unique_ptr<z_stream_s> stream_;
  std::vector<char> text_;
  bool between_ = false;  // members
};

}  // namespace stuffwatch::corpus
