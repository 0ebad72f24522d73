#include "ingest/file_source.h"

#include <algorithm>
#include <utility>

#include "ingest/byte_stream.h"
#include "ingest/line_reader.h"

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kMostInChunk = std::size_t{128} << 10, kLeastInChunk = std::size_t{64} << 10,
                      kAllChunks = std::size_t{64} << 20;

struct OpenFile {
  std::string path;
  LineReader reader;
  bool begun = false;
};

class FileSource final : public Source {
 public:
  FileSource(std::uint32_t declared, std::vector<OpenFile> files)
      : declared_(declared), files_(std::move(files)) {}

  std::vector<InputChange> service() override {
    std::vector<InputChange> changes;
    if (!std::exchange(announced_, true)) {
      for (std::uint32_t i = 0; i < files_.size(); ++i)
        changes.push_back({InputChange::Kind::kAssigned, {declared_, i}});
    }
    return changes;
  }

  ReadStatus read(InputId id, RawChunk& out) override {
    OpenFile* file = find(id);
    if (file == nullptr) return ReadStatus::kFinished;
    file->begun = true;
    out.input = id;
    out.records.clear();
    out.memory.clear();
    return file->reader.read(out);
  }

  config::Result<void> seek(InputId id, std::int64_t offset) override {
    OpenFile* file = find(id);
    if (file == nullptr)
      return config::failed("there is no file {} of input {}: fewer files than before",
                            id.partition, id.declared);
    if (offset < 0 || file->begun)
      return config::failed("{}: cannot go to offset {} now", file->path, offset);
    file->reader.seek(offset);
    return {};
  }

  std::vector<InputStatus> status() const override {
    std::vector<InputStatus> all;
    all.reserve(files_.size());
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      all.push_back({{declared_, i}, files_[i].path, files_[i].reader.problem(), {}});
    return all;
  }

  void commit(InputId, std::int64_t) override {}
  void release(InputId) override {}

 private:
  OpenFile* find(InputId id) {
    return id.declared == declared_ && id.partition < files_.size() ? &files_[id.partition]
                                                                    : nullptr;
  }

  std::uint32_t declared_;
  std::vector<OpenFile> files_;
  bool announced_ = false;
};

}  // namespace

config::Result<std::unique_ptr<Source>> open_files(std::uint32_t declared,
                                                   const std::vector<std::string>& paths) {
  const auto expanded = expand_paths(paths);
  if (!expanded) return std::unexpected(expanded.error());
  const std::size_t chunk = std::clamp(kAllChunks / expanded->size(), kLeastInChunk, kMostInChunk);
  std::vector<OpenFile> files;
  files.reserve(expanded->size());
  for (const std::string& path : *expanded) {
    auto stream = ByteStream::open(path);
    if (!stream) return std::unexpected(stream.error());
    files.push_back(
        {path == "-" ? "standard input" : path, LineReader(std::move(*stream), chunk), false});
  }
  return std::make_unique<FileSource>(declared, std::move(files));
}

}  // namespace stuffwatch::ingest
