#include "daemon/pipeline/checkpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace stuffwatch::daemon::pipeline {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kMagic = "stuffwatch state 4\n";
constexpr std::string_view kSuffix = ".state";
// One part in so many is taken beyond what is wanted, as addresses only.
constexpr std::size_t kRoomToGrow = 4;

struct SectionHead {
  std::uint64_t bytes = 0, hash = 0;
};

std::uint64_t number_of(const fs::path& generation) {
  return std::strtoull(generation.stem().c_str(), nullptr, 10);
}

std::string header_of(const CheckpointIdentity& identity, std::uint64_t sections) {
  std::string header(kMagic);
  detectors::StateWriter writer(header);
  writer.text(identity.config_sha256), writer.put(identity.key_check), writer.put(sections);
  return header;
}

}  // namespace

std::vector<fs::path> CheckpointStore::generations() const {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (entry.path().extension() == kSuffix) files.push_back(entry.path());
  std::ranges::sort(files, std::greater<>{}, number_of);
  return files;
}

fs::path CheckpointStore::next_generation() const {
  const auto existing = generations();
  const std::uint64_t number = existing.empty() ? 1 : number_of(existing.front()) + 1;
  return folder_ / (std::to_string(number) + std::string(kSuffix));
}

// What a process that was killed left unfinished.
void CheckpointStore::remove_drafts() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored))
    if (entry.path().extension() == config::DraftFile::kSuffix) fs::remove(entry.path(), ignored);
}

std::unique_ptr<Pipeline> CheckpointStore::load(
    const std::function<std::unique_ptr<Pipeline>()>& fresh,
    const std::function<void(const std::string&)>& refused) {
  remove_drafts();
  auto pipeline = fresh();
  for (const fs::path& file : generations()) {
    auto read_it = read(file, *pipeline);
    if (read_it) return pipeline;
    refused(file.string() + ": " + read_it.error().message);
    pipeline = fresh();  // partly filled
  }
  return pipeline;
}

config::Result<void> CheckpointStore::read(const fs::path& file, Pipeline& pipeline) {
  std::ifstream in(file, std::ios::binary);
  const std::string header = header_of(identity_, pipeline.sections());
  std::string found(header.size(), 0);
  in.read(found.data(), static_cast<std::streamsize>(found.size()));
  if (!in) return config::failed("it is cut short");
  if (!found.starts_with(kMagic)) return config::failed("it is no saved state of this version");
  if (found != header)
    return config::failed("it was written with another configuration, key or set of detectors");
  std::error_code unreadable;
  std::uint64_t left = fs::file_size(file, unreadable) - header.size();
  sections_.resize(pipeline.sections());  // the first cut will need about as much memory
  for (std::size_t section = 0; section < pipeline.sections(); ++section) {
    std::string& bytes = sections_[section];
    SectionHead head;
    in.read(reinterpret_cast<char*>(&head), sizeof head);
    if (!in || unreadable || head.bytes > left) return config::failed("it is cut short");
    left -= sizeof head + head.bytes;
    bytes.resize(head.bytes);
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!in) return config::failed("it is cut short");
    if (::XXH3_64bits(bytes.data(), bytes.size()) != head.hash)
      return config::failed("it is damaged");
    if (auto loaded = pipeline.load_section(section, bytes); !loaded)
      return std::unexpected(loaded.error());
  }
  if (in.peek() != std::ifstream::traits_type::eof())
    return config::failed("more follows its end: it is damaged");
  return {};
}

bool CheckpointStore::has_room(const Pipeline& pipeline) {
  if (room_.valid()) return room_.get(), true;
  sections_.resize(pipeline.sections());
  std::vector<std::size_t> wanted(sections_.size());
  std::size_t lacking = 0;
  for (std::size_t section = 0; section < wanted.size(); ++section) {
    wanted[section] = pipeline.section_bytes(section);
    if (wanted[section] > sections_[section].capacity()) lacking += wanted[section];
  }
  if (lacking <= may_lack_) return true;
  room_ = std::async(std::launch::async, [this, wanted = std::move(wanted)] {
    for (std::size_t section = 0; section < wanted.size(); ++section) {
      if (wanted[section] <= sections_[section].capacity()) continue;
      sections_[section] = {};
      sections_[section].reserve(wanted[section] + wanted[section] / kRoomToGrow);
      sections_[section].resize(wanted[section]);  // touches it
    }
  });
  return false;
}

void CheckpointStore::write(Pipeline& pipeline, Durable durable) {
  if (room_.valid()) room_.get();
  const auto begin = std::chrono::steady_clock::now();
  pipeline.save(sections_);
  Done done;
  done.positions = pipeline.merge().positions();
  done.pause_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  stop_ = std::stop_source();
  pending_ = std::async(std::launch::async, [this, stop = stop_.get_token(), done = std::move(done),
                                             durable = std::move(durable)]() mutable {
    if (auto kept = keep(durable, stop, done.bytes); !kept) done.problem = kept.error().message;
    return std::move(done);
  });
}

// On the background thread: what was serialised becomes the newest generation, and the third goes.
config::Result<void> CheckpointStore::keep(const Durable& durable, const std::stop_token& stop,
                                           std::uint64_t& bytes) const {
  if (auto made = config::make_folder(folder_); !made) return made;
  auto draft = config::DraftFile::open(next_generation());
  if (!draft) return std::unexpected(draft.error());
  if (auto written = write_sections(*draft, bytes); !written) return written;
  if (auto said = durable(stop); !said) return said;
  if (auto published = draft->publish(); !published) return published;
  std::error_code ignored;
  const auto all = generations();
  for (std::size_t i = 2; i < all.size(); ++i) fs::remove(all[i], ignored);
  return {};
}

config::Result<void> CheckpointStore::write_sections(config::DraftFile& draft,
                                                     std::uint64_t& bytes) const {
  const std::string header = header_of(identity_, sections_.size());
  if (auto written = draft.write(header); !written) return written;
  bytes = header.size();
  for (const std::string& section : sections_) {
    const SectionHead head{section.size(), ::XXH3_64bits(section.data(), section.size())};
    const std::string_view head_bytes(reinterpret_cast<const char*>(&head), sizeof head);
    for (const std::string_view part : {head_bytes, std::string_view(section)})
      if (auto written = draft.write(part); !written) return written;
    bytes += sizeof head + section.size();
  }
  return {};
}

std::optional<CheckpointStore::Done> CheckpointStore::poll_done() {
  if (!pending_.valid() || pending_.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
    return std::nullopt;
  return pending_.get();
}

std::optional<CheckpointStore::Done> CheckpointStore::finish(std::chrono::milliseconds patience) {
  if (!pending_.valid()) return std::nullopt;
  if (pending_.wait_for(patience) != std::future_status::ready) stop_.request_stop();
  return pending_.get();
}

}  // namespace stuffwatch::daemon::pipeline
