#include "corpus/packed_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "config/utf8.h"

namespace stuffwatch::corpus {

using config::failed;
using config::Result;

void PackedFile::Freed::operator()(struct archive* reader) const { archive_read_free(reader); }

struct PackedFile::Callbacks {
  static la_ssize_t read(struct archive* reader, void* self, const void** block) {
    auto& file = *static_cast<PackedFile*>(self);
    const std::string_view bytes = file.next_block();
    const std::string& problem = file.gunzip_ ? file.gunzip_->problem() : file.file_.problem();
    if (!problem.empty()) {
      archive_set_error(reader, EIO, "%s", problem.c_str());
      return -1;
    }
    *block = bytes.data();
    return static_cast<la_ssize_t>(bytes.size());
  }
  static la_int64_t seek(struct archive*, void* self, la_int64_t offset, int whence) {
    RawFile& file = static_cast<PackedFile*>(self)->file_;
    const auto size = static_cast<la_int64_t>(file.size());
    const auto here = static_cast<la_int64_t>(file.position());
    const la_int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? here : size;
    const la_int64_t to = std::clamp(from + offset, la_int64_t{0}, size);
    file.seek(static_cast<std::uint64_t>(to));
    return to;
  }
};

Result<std::unique_ptr<PackedFile>> PackedFile::open(const std::string& path, Sha256& hash) {
  auto raw = RawFile::open(path, hash);
  if (!raw) return std::unexpected(raw.error());
  std::unique_ptr<PackedFile> file(
      new PackedFile(path == "-" ? "standard input" : path, std::move(*raw)));
  if (const Result<void> started = file->start(); !started) return std::unexpected(started.error());
  return file;
}

Result<void> PackedFile::start() {
  const std::string_view begin = file_.peek(kPackingBytes);
  if (!file_.problem().empty()) return failed("{}: cannot be read: {}", name_, file_.problem());
  packing_ = packing_of(begin);
  if (packing_ == Packing::kText) return {};
  if (packing_ == Packing::kForeign)
    return failed(
        "{}: is {}, which is not read; convert or unpack it and give the text, as files or on "
        "standard input",
        name_, foreign_name(begin));
  const bool needs_file = packing_ == Packing::kZip || packing_ == Packing::kSevenZip;
  if (needs_file && !file_.seekable())
    return failed(
        "{}: a {} archive has its table of contents at the end; save it as a file and give that",
        name_, corpus::name_of(packing_));
  return open_archive();
}

// Only what the first bytes say: libarchive would take many a text for an archive of some kind.
Result<void> PackedFile::open_archive() {
  archive_.reset(archive_read_new());
  struct archive* const reader = archive_.get();
  if (reader == nullptr) return failed("{}: no memory", name_);
  const bool compressed = packing_ == Packing::kGzip || packing_ == Packing::kZstd ||
                          packing_ == Packing::kXz || packing_ == Packing::kBzip2;
  if (packing_ == Packing::kGzip) gunzip_ = std::make_unique<Gunzip>(file_);
  if (packing_ == Packing::kZstd) archive_read_support_filter_zstd(reader);
  if (packing_ == Packing::kXz) archive_read_support_filter_xz(reader);
  if (packing_ == Packing::kBzip2) archive_read_support_filter_bzip2(reader);
  if (packing_ == Packing::kZip) archive_read_support_format_zip_seekable(reader);
  if (packing_ == Packing::kSevenZip) archive_read_support_format_7zip(reader);
  if (compressed) {
    archive_read_support_format_raw(reader);
    archive_read_support_format_empty(reader);
  }
  if (compressed || packing_ == Packing::kTar) {
    archive_read_support_format_tar(reader);
    // Reads on to the end of the file, so that damage behind the last member is found.
    archive_read_set_format_option(reader, "tar", "read_concatenated_archives", "1");
  }
  archive_read_set_read_callback(reader, Callbacks::read);
  if (packing_ == Packing::kZip || packing_ == Packing::kSevenZip)
    archive_read_set_seek_callback(reader, Callbacks::seek);
  archive_read_set_callback_data(reader, this);
  if (archive_read_open1(reader) == ARCHIVE_OK) return {};
  const bool table = packing_ == Packing::kZip && file_.problem().empty();
  return table ? damaged("no table of contents at its end, or nothing in it") : damaged();
}

std::string_view PackedFile::next_block() { return gunzip_ ? gunzip_->read() : file_.read(); }

std::string PackedFile::where() const {
  return member_.empty() ? name_ : name_ + " (" + config::one_line(member_) + ")";
}

std::unexpected<config::Error> PackedFile::damaged() const {
  const char* const text = archive_error_string(archive_.get());
  std::string_view why = text != nullptr ? text : "the data end early";
  if (why.ends_with('\n')) why.remove_suffix(1);
  return damaged(config::one_line(why));
}

std::unexpected<config::Error> PackedFile::damaged(std::string_view why) const {
  // Not to be asked before a header was read: libarchive would look at a format that it does not have yet.
  const bool asked = archive_ && archive_format(archive_.get()) != 0 &&
                     archive_read_has_encrypted_entries(archive_.get()) > 0;
  const bool encrypted = asked || why.find("ncrypt") != std::string_view::npos ||
                         why.find("Crypto") != std::string_view::npos;
  if (encrypted)
    return failed("{}: is encrypted; unpack it with its password and give the folder", where());
  return failed(
      "{}: damaged or cut short near byte {}: {}; get the file again, or unpack what can be saved "
      "and give that",
      where(), file_.position(), why);
}

Result<bool> PackedFile::next_text() {
  at_start_ = true;
  if (archive_) return next_entry();
  if (!std::exchange(plain_given_, true)) return true;
  return finish();
}

Result<bool> PackedFile::next_entry() {
  while (true) {
    struct archive_entry* entry = nullptr;
    const int status = archive_read_next_header(archive_.get(), &entry);
    member_.clear();
    if (status == ARCHIVE_EOF) return finish();
    // A warning is about a name that this locale cannot show.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return damaged();
    ++entries_;
    if (archive_format(archive_.get()) != ARCHIVE_FORMAT_RAW) {
      const char* const path = archive_entry_pathname(entry);
      member_ = path != nullptr ? path : "member " + std::to_string(entries_);
    }
    if (archive_entry_filetype(entry) == AE_IFREG) return true;
  }
}

// Whether the end is the end: libarchive takes what it does not recognise for it.
Result<bool> PackedFile::finish() {
  const bool filtered =
      packing_ == Packing::kZstd || packing_ == Packing::kXz || packing_ == Packing::kBzip2;
  const auto used =
      filtered ? static_cast<std::uint64_t>(archive_filter_bytes(archive_.get(), -1)) : 0;
  file_.drain();
  if (!file_.problem().empty()) return damaged(file_.problem());
  if (filtered && used < file_.hashed())
    return damaged(fmt::format("{} bytes behind the end of the {} data are none",
                               file_.hashed() - used, corpus::name_of(packing_)));
  if (packing_ == Packing::kTar && file_.zeros_at_end() < kPackingBytes)
    return damaged("the end mark of the tar archive is missing");
  return false;
}

Result<std::size_t> PackedFile::read(char* out, std::size_t room) {
  const Result<std::size_t> got = archive_ ? read_archive(out, room) : read_plain(out, room);
  if (!got || !at_start_) return got;
  at_start_ = false;
  const std::string_view start(out, *got);
  if (packing_of(start) == Packing::kText) return got;
  return failed("{}: is {}, inside a {} file; unpack it and give the folder", where(),
                foreign_name(start), corpus::name_of(packing_));
}

Result<std::size_t> PackedFile::read_archive(char* out, std::size_t room) {
  // What libarchive has when it meets damage is lost; with less at a time it is less.
  constexpr std::size_t kMost = std::size_t{64} << 10;
  const la_ssize_t got = archive_read_data(archive_.get(), out, std::min(room, kMost));
  if (got < 0) return damaged();
  return static_cast<std::size_t>(got);
}

Result<std::size_t> PackedFile::read_plain(char* out, std::size_t room) {
  if (block_.empty()) block_ = file_.read();
  if (block_.empty() && !file_.problem().empty()) return damaged(file_.problem());
  const std::size_t got = std::min(room, block_.size());
  std::copy_n(block_.data(), got, out);
  block_.remove_prefix(got);
  return got;
}

}  // namespace stuffwatch::corpus
