#include "ingest/file_source.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "ingest/byte_stream.h"
#include "ingest/line_reader.h"
#include "ingest/yearless_logs.h"

namespace stuffwatch::ingest {
namespace {

constexpr std::size_t kMostInChunk = std::size_t{128} << 10, kLeastInChunk = std::size_t{64} << 10,
                      kAllChunks = std::size_t{64} << 20;

struct OpenFile {
  std::string name;
  InputStart start;
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
      return config::failed("{}: cannot go to offset {} now", file->name, offset);
    file->reader.seek(offset);
    return {};
  }

  std::vector<InputStatus> status() const override {
    std::vector<InputStatus> all;
    all.reserve(files_.size());
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      all.push_back({{declared_, i},
                     files_[i].name,
                     files_[i].reader.problem(),
                     {},
                     files_[i].reader.notice()});
    return all;
  }

  InputStart start(InputId id) const override {
    return id.declared == declared_ && id.partition < files_.size() ? files_[id.partition].start
                                                                    : InputStart{};
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

std::string called(const std::string& path, const std::string& given, const std::string& name) {
  if (name.empty() || name == "-") return path == "-" ? "standard input" : path;
  if (path == given) return name;
  return (std::filesystem::path(name) / std::filesystem::path(path).lexically_relative(given))
      .native();
}

OpenFile open_file(ByteStream stream, std::string name, std::size_t chunk, Rest rest) {
  InputStart start;
  start.kind = stream.rereadable() ? InputStart::Kind::kFile : InputStart::Kind::kStream;
  start.head = stream.peek(InputStart::kHead);
  start.size = stream.size();
  const bool last_waits = rest == Rest::kWaits && stream.may_grow();
  return {std::move(name), std::move(start), LineReader(std::move(stream), chunk, last_waits)};
}

}  // namespace

config::Result<std::unique_ptr<Source>> open_files(std::uint32_t declared,
                                                   const std::vector<std::string>& paths,
                                                   const std::string& name, Rest rest) {
  const auto expanded = expand_paths(paths);
  if (!expanded) return std::unexpected(expanded.error());
  const std::size_t chunk = std::clamp(kAllChunks / expanded->size(), kLeastInChunk, kMostInChunk);
  std::vector<OpenFile> files;
  files.reserve(expanded->size());
  for (const std::string& path : *expanded) {
    auto stream = ByteStream::open(path);
    if (!stream) return std::unexpected(stream.error());
    files.push_back(open_file(std::move(*stream), called(path, paths.front(), name), chunk, rest));
  }
  std::vector<YearlessLog> logs;
  logs.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i)
    logs.push_back({(*expanded)[i], first_yearless_stamp(files[i].start.head)});
  count_years(logs);
  for (std::size_t i = 0; i < files.size(); ++i) files[i].start.begins = logs[i].first;
  return std::make_unique<FileSource>(declared, std::move(files));
}

}  // namespace stuffwatch::ingest
