#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "corpus/corpus.h"
#include "corpus/segment_merge.h"

namespace stuffwatch::corpus {
namespace {

namespace fs = std::filesystem;

config::Result<Manifest::Entry> entry_of(const fs::path& folder, const std::string& file,
                                         std::uint64_t key_check) {
  auto segment = Segment::open(folder / file, key_check, Residence::kMapped);
  if (!segment) return std::unexpected(segment.error());
  return Manifest::Entry{file, segment->bytes(), segment->header().xxh3};
}

}  // namespace

config::Result<void> CorpusFolder::init(const fs::path& folder) {
  if (auto made = config::make_folder(folder); !made) return made;
  if (std::error_code ignored; fs::exists(folder / Manifest::kFileName, ignored))
    return config::misconfigured("{} is a corpus already", folder.string());
  std::error_code unreadable;
  for (const auto& file : fs::directory_iterator(folder, unreadable))
    if (Manifest::is_segment_name(file.path().filename().native()))
      return config::misconfigured(
          "{} holds segments of a corpus whose MANIFEST is gone: bring back a copy of it, or move "
          "them away",
          folder.string());
  auto hasher = AccountHasher::from_file_or_create(folder / "key");
  if (!hasher) return std::unexpected(hasher.error());
  Manifest manifest;
  manifest.key_check = hasher->check_value();
  return config::replace_file(folder / Manifest::kFileName, manifest.text());
}

config::Result<CorpusFolder> CorpusFolder::open(const fs::path& folder, const fs::path& key_file) {
  auto manifest = Manifest::read(folder);
  if (!manifest) return std::unexpected(manifest.error());
  auto hasher = AccountHasher::from_file(key_file.empty() ? folder / "key" : key_file);
  if (!hasher) return std::unexpected(hasher.error());
  if (manifest->key_check != hasher->check_value())
    return config::misconfigured("{} was made with another key than {}", folder.string(),
                                 (key_file.empty() ? folder / "key" : key_file).string());
  auto lock = config::open_file(folder / "lock", O_RDWR | O_CREAT);
  if (!lock) return std::unexpected(lock.error());
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
    return config::failed("{} is being changed by another process: wait for it, or end it",
                          folder.string());
  // What another process has changed before the lock was ours.
  manifest = Manifest::read(folder);
  if (!manifest) return std::unexpected(manifest.error());
  CorpusFolder opened(folder, std::move(*lock), std::move(*hasher), std::move(*manifest));
  opened.remove_leftovers();
  return opened;
}

// Segments that no manifest names: of a process that was killed, or replaced ones. Whoever reads them goes on doing so.
void CorpusFolder::remove_leftovers() const {
  std::error_code ignored;
  std::vector<fs::path> gone;
  for (const auto& file : fs::directory_iterator(folder_, ignored)) {
    const std::string name = file.path().filename();
    const bool named = std::ranges::any_of(manifest_.segments,
                                           [&](const auto& entry) { return entry.file == name; });
    const std::string_view draft_of(name.data(), name.size() - (name.ends_with(".new") ? 4 : 0));
    if (!named && Manifest::is_segment_name(draft_of)) gone.push_back(file.path());
  }
  for (const fs::path& file : gone) fs::remove(file, ignored);
}

std::string CorpusFolder::next_segment() const {
  unsigned long last = 0;
  for (const Manifest::Entry& entry : manifest_.segments)
    last = std::max(last, std::strtoul(entry.file.c_str(), nullptr, 10));
  return fmt::format("{:06}.bcs", last + 1);
}

config::Result<void> CorpusFolder::publish(Manifest next) {
  if (auto written = config::replace_file(folder_ / Manifest::kFileName, next.text()); !written)
    return written;
  manifest_ = std::move(next);
  remove_leftovers();
  return {};
}

config::Result<Built> CorpusFolder::add(ListInput& input, BuildOptions options, bool again,
                                        const OnBuildProgress& on_progress) {
  auto segments = open_segments(folder_, manifest_);
  if (!segments) return std::unexpected(segments.error());
  for (const Segment& segment : *segments)
    for (const SegmentList& list : segment.lists())
      if (segment.name(list) == options.list.name)
        return config::misconfigured(
            "there is a list called {} already: remove it first, or name "
            "this one otherwise",
            options.list.name);
  options.list.facts.id = manifest_.next_list;
  const auto accept = [&](const ListInfo& read) -> config::Result<void> {
    for (const Segment& segment : *segments)
      for (const SegmentList& list : segment.lists())
        if (!again && list.sha256 == read.facts.sha256)
          return config::misconfigured(
              "the same input was added as {}: nothing to do, or say --again", segment.name(list));
    return {};
  };
  const std::string file = next_segment();
  auto built = build_list(input, hasher_, options, folder_ / file, on_progress, accept);
  if (!built || built->stopped) return built;
  auto entry = entry_of(folder_, file, manifest_.key_check);
  if (!entry) return std::unexpected(entry.error());
  Manifest next = manifest_;
  next.segments.push_back(std::move(*entry)), ++next.next_list;
  if (auto published = publish(std::move(next)); !published)
    return std::unexpected(published.error());
  return built;
}

config::Result<CorpusFolder::Compacted> CorpusFolder::merge(
    std::string_view without, const std::function<bool(double)>& on_progress) {
  auto segments = open_segments(folder_, manifest_);
  if (!segments) return std::unexpected(segments.error());
  // What is merged gets new checksums: damage would not be found out any more.
  for (const Segment& segment : *segments)
    if (auto sound = segment.verify(); !sound) return std::unexpected(sound.error());
  const std::string file = next_segment();
  auto merged = merge_segments(*segments, manifest_.forgotten, without, folder_ / file,
                               manifest_.key_check, on_progress);
  if (!merged) return std::unexpected(merged.error());
  if (*merged == Merged::kStopped) return Compacted::kStopped;
  for (const Segment& segment : *segments)
    if (!segment.intact())  // the next change clears away what was written of it
      return config::failed("{} was cut short while it was read, or its disk fails",
                            segment.file().string());
  Manifest next = manifest_;
  next.segments.clear(), next.forgotten.clear();
  if (*merged == Merged::kWritten) {
    auto entry = entry_of(folder_, file, manifest_.key_check);
    if (!entry) return std::unexpected(entry.error());
    next.segments.push_back(std::move(*entry));
  }
  if (auto published = publish(std::move(next)); !published)
    return std::unexpected(published.error());
  return Compacted::kMerged;
}

config::Result<CorpusFolder::Compacted> CorpusFolder::compact(
    const std::function<bool(double)>& on_progress) {
  if (manifest_.segments.size() < 2 && manifest_.forgotten.empty()) return Compacted::kNothing;
  return merge({}, on_progress);
}

config::Result<void> CorpusFolder::remove(std::string_view list) {
  // A segment by its own name, unread: how one goes that is damaged.
  if (const auto named = std::ranges::find(manifest_.segments, list, &Manifest::Entry::file);
      named != manifest_.segments.end()) {
    Manifest next = manifest_;
    next.segments.erase(next.segments.begin() + (named - manifest_.segments.begin()));
    return publish(std::move(next));
  }
  auto segments = open_segments(folder_, manifest_);
  if (!segments) return std::unexpected(segments.error());
  for (std::size_t s = 0; s < segments->size(); ++s) {
    const Segment& segment = (*segments)[s];
    const bool holds = std::ranges::any_of(
        segment.lists(), [&](const SegmentList& l) { return segment.name(l) == list; });
    if (!holds) continue;
    if (segment.lists().size() == 1) {
      Manifest next = manifest_;
      next.segments.erase(next.segments.begin() + static_cast<std::ptrdiff_t>(s));
      return publish(std::move(next));
    }
    auto merged = merge(list, [](double) { return true; });
    return merged ? config::Result<void>{} : std::unexpected(merged.error());
  }
  return config::misconfigured("there is no list called {}; stuffwatch corpus list {} names them",
                               list, folder_.string());
}

config::Result<void> CorpusFolder::forget(std::span<const AccountKey> accounts) {
  Manifest next = manifest_;
  for (const AccountKey account : accounts) next.forgotten.push_back(value_of(account));
  std::ranges::sort(next.forgotten);
  const auto twice = std::ranges::unique(next.forgotten);
  next.forgotten.erase(twice.begin(), twice.end());
  return publish(std::move(next));
}

}  // namespace stuffwatch::corpus
