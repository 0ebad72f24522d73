#include "daemon/pipeline/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include "daemon/sinks/durable_file.h"

namespace stuffwatch::daemon::pipeline {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kMagic = "stuffwatch state 1\n";
constexpr std::string_view kSuffix = ".state";

struct SectionHead {
  std::uint64_t bytes = 0, hash = 0;
};

bool write_all(int fd, const void* bytes, std::size_t size) {
  for (const char* at = static_cast<const char*>(bytes); size != 0;) {
    const ssize_t wrote = ::write(fd, at, size);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) at += wrote, size -= static_cast<std::size_t>(wrote);
  }
  return true;
}

std::string header_of(const CheckpointIdentity& identity, std::uint64_t sections) {
  std::string header(kMagic);
  detectors::StateWriter writer(header);
  writer.text(identity.config_sha256), writer.put(identity.key_check), writer.put(sections);
  return header;
}

bool sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

}  // namespace

std::vector<fs::path> CheckpointStore::generations() const {
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (entry.path().extension() == kSuffix)
      found.emplace_back(std::strtoull(entry.path().stem().c_str(), nullptr, 10), entry.path());
  std::ranges::sort(found, std::greater<>{}, [](const auto& f) { return f.first; });
  std::vector<fs::path> files;
  for (auto& [number, path] : found) files.push_back(std::move(path));
  return files;
}

std::unique_ptr<Pipeline> CheckpointStore::load(
    const std::function<std::unique_ptr<Pipeline>()>& fresh,
    const std::function<void(const std::string&)>& refused) {
  auto pipeline = fresh();
  for (const fs::path& file : generations()) {
    auto read_it = read(file, *pipeline);
    if (read_it) return pipeline;
    refused(file.string() + ": " + read_it.error().message);
    pipeline = fresh();  // partly filled
  }
  return pipeline;
}

config::Result<void> CheckpointStore::read(const fs::path& file, Pipeline& pipeline) const {
  std::ifstream in(file, std::ios::binary);
  const std::string header = header_of(identity_, pipeline.sections());
  std::string found(header.size(), 0);
  in.read(found.data(), static_cast<std::streamsize>(found.size()));
  if (!in) return config::failed("it is cut short");
  if (!found.starts_with(kMagic)) return config::failed("it is no saved state of this version");
  if (found != header)
    return config::failed("it was written with another configuration, key or set of detectors");
  std::string bytes;
  for (std::size_t section = 0; section < pipeline.sections(); ++section) {
    SectionHead head;
    in.read(reinterpret_cast<char*>(&head), sizeof head);
    if (!in || head.bytes > (std::uint64_t{1} << 36)) return config::failed("it is cut short");
    bytes.resize(head.bytes);
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!in) return config::failed("it is cut short");
    if (::XXH3_64bits(bytes.data(), bytes.size()) != head.hash)
      return config::failed("it is damaged");
    if (auto loaded = pipeline.load_section(section, bytes); !loaded)
      return std::unexpected(loaded.error());
  }
  return {};
}

void CheckpointStore::write(const Pipeline& pipeline,
                            std::function<config::Result<void>()> durable) {
  const auto begin = std::chrono::steady_clock::now();
  const auto made = sinks::make_folder(folder_);
  const auto existing = generations();
  const std::uint64_t number =
      existing.empty() ? 1 : std::strtoull(existing.front().stem().c_str(), nullptr, 10) + 1;
  const fs::path place = folder_ / (std::to_string(number) + std::string(kSuffix)),
                 draft = folder_ / "draft";
  Done done{
      .bytes = 0, .pause_seconds = 0, .positions = pipeline.merge().positions(), .problem = {}};
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string header = header_of(identity_, pipeline.sections());
  bool ok = fd >= 0 && write_all(fd, header.data(), header.size());
  std::string bytes;
  for (std::size_t section = 0; ok && section < pipeline.sections(); ++section) {
    bytes.clear();
    pipeline.save_section(section, bytes);
    const SectionHead head{bytes.size(), ::XXH3_64bits(bytes.data(), bytes.size())};
    ok = write_all(fd, &head, sizeof head) && write_all(fd, bytes.data(), bytes.size());
    done.bytes += sizeof head + bytes.size();
  }
  if (!made)
    done.problem = made.error().message;
  else if (!ok)
    done.problem = draft.string() + ": " + std::strerror(errno);
  done.pause_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  pending_ = std::async(std::launch::async, [=, this, done = std::move(done)]() mutable {
    if (done.problem.empty()) {
      if (auto said = durable(); !said)
        done.problem = said.error().message;
      else if (::fsync(fd) != 0 || ::rename(draft.c_str(), place.c_str()) != 0 ||
               !sync_folder(folder_))
        done.problem = place.string() + ": " + std::strerror(errno);
    }
    if (fd >= 0) ::close(fd);
    std::error_code ignored;
    const auto all = generations();
    for (std::size_t i = 2; i < all.size(); ++i) fs::remove(all[i], ignored);
    return std::move(done);
  });
}

std::optional<CheckpointStore::Done> CheckpointStore::poll_done(bool wait) {
  if (!pending_.valid()) return std::nullopt;
  if (!wait && pending_.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
    return std::nullopt;
  return pending_.get();
}

}  // namespace stuffwatch::daemon::pipeline
