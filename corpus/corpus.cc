#include "corpus/corpus.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <utility>

#include "corpus/raw_file.h"

namespace stuffwatch::corpus {
namespace {

constexpr int kOpenAttempts = 3;  // while somebody changes the folder

const Segment* find(const Corpus& corpus, const std::filesystem::path& folder,
                    const Manifest::Entry& entry) {
  for (const Segment& segment : corpus.segments())
    if (segment.file() == folder / entry.file && segment.bytes() == entry.bytes &&
        segment.header().xxh3 == entry.header_xxh3)
      return &segment;
  return nullptr;
}

// For each list the first one with the same original, which may be gone.
std::vector<std::uint32_t> roots_of(const std::vector<ListInfo>& lists) {
  std::map<std::uint32_t, std::uint32_t> of_id;  // id of a list: of its original
  std::map<std::uint32_t, std::uint32_t> first;  // id of an original: the first of its orderings
  std::vector<std::uint32_t> roots;
  for (const ListInfo& list :
       lists) {  // ids ascend, and an ordering is younger than what it is one of
    const auto& facts = list.facts;
    const bool is_ordering = facts.ordering_of != 0 && facts.ordering_of < facts.id;
    const std::uint32_t named = is_ordering ? facts.ordering_of : facts.id;
    const auto known = of_id.find(named);
    const std::uint32_t original = known == of_id.end() ? named : known->second;
    of_id.emplace(facts.id, original);
    roots.push_back(
        first.emplace(original, static_cast<std::uint32_t>(roots.size())).first->second);
  }
  return roots;
}

}  // namespace

config::Result<std::vector<Segment>> open_segments(const std::filesystem::path& folder,
                                                   const Manifest& manifest,
                                                   const Placement& placement) {
  std::vector<Segment> segments;
  std::uint64_t held = placement.previous == nullptr ? 0 : placement.previous->loaded_bytes();
  for (const Manifest::Entry& entry : manifest.segments) {
    const Segment* const known =
        placement.previous == nullptr ? nullptr : find(*placement.previous, folder, entry);
    const bool fits = entry.bytes <= placement.memory && held <= placement.memory - entry.bytes;
    if (known != nullptr && known->intact() && (!known->is_mapped() || !fits)) {
      segments.push_back(*known);
      continue;
    }
    if (fits) held += entry.bytes;
    auto segment = Segment::open(folder / entry.file, manifest.key_check,
                                 fits ? Residence::kLoaded : Residence::kMapped);
    if (!segment) return std::unexpected(segment.error());
    if (segment->bytes() != entry.bytes || segment->header().xxh3 != entry.header_xxh3)
      return config::failed("{} is not the file that the manifest names", segment->file().string());
    segments.push_back(std::move(*segment));
  }
  return segments;
}

config::Result<Corpus> Corpus::open(const std::filesystem::path& folder,
                                    const AccountHasher& hasher, const Placement& placement) {
  auto manifest = Manifest::read(folder);
  if (!manifest) return std::unexpected(manifest.error());
  if (manifest->key_check != hasher.check_value())
    return config::misconfigured(
        "{} was made with another key: it would find nobody; privacy.key_file must be the key of "
        "the corpus",
        folder.string());
  auto segments = open_segments(folder, *manifest, placement);
  // A change between the two has removed what the manifest named: then another one stands there.
  for (int left = kOpenAttempts; !segments && left != 0; --left) {
    auto changed = Manifest::read(folder);
    if (!changed || *changed == *manifest) break;
    manifest = std::move(changed), segments = open_segments(folder, *manifest, placement);
  }
  if (!segments) return std::unexpected(segments.error());
  Corpus corpus;
  corpus.manifest_ = std::move(*manifest), corpus.segments_ = std::move(*segments);
  for (const Segment& segment : corpus.segments_)
    for (const SegmentList& list : segment.lists())
      corpus.lists_.push_back({std::string(segment.name(list)), list});
  const auto id = [](const ListInfo& list) { return list.facts.id; };
  std::ranges::sort(corpus.lists_, {}, id);
  corpus.originals_ = roots_of(corpus.lists_);
  for (const Segment& segment : corpus.segments_) {
    auto& of = corpus.list_of_.emplace_back();
    for (const SegmentList& list : segment.lists()) {
      const auto at = std::ranges::lower_bound(corpus.lists_, list.id, {}, id);
      of.push_back(static_cast<std::uint32_t>(at - corpus.lists_.begin()));
    }
  }
  return corpus;
}

void Corpus::resolve(std::span<const AccountKey> accounts, Hits& out, std::size_t most) const {
  out.all.clear(), out.end.resize(accounts.size());
  Probe probe(*this);
  std::size_t begin = 0;  // of the account's hits
  probe(
      accounts.size(), [&](std::size_t i) { return value_of(accounts[i]); },
      [&](std::size_t, std::size_t s, Segment::Range found) {
        for (std::uint64_t e = found.begin; e < found.end && out.all.size() - begin < most; ++e) {
          const auto [list, line] = segments_[s].place_of(e);
          const bool positions = segments_[s].lists()[list].has_positions();
          out.all.push_back({list_of_[s][list], 0, positions ? line + 1 : 0});
        }
      },
      [&](std::size_t i) {
        begin = out.all.size();
        out.end[i] = static_cast<std::uint32_t>(begin);
      });
}

std::uint64_t Corpus::entries() const {
  std::uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.header().entries;
  return sum;
}
std::uint64_t Corpus::bytes() const {
  std::uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes();
  return sum;
}

std::uint64_t Corpus::loaded_bytes() const {
  std::uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.is_mapped() ? 0 : segment.bytes();
  return sum;
}

std::string Corpus::digest() const {
  Sha256 hash;
  hash.update(manifest_.text());
  return hex(hash.finish());
}

std::uint64_t list_key(std::string_view name) { return ::XXH3_64bits(name.data(), name.size()); }

ListDirectory Corpus::directory() const {
  ListDirectory directory{.lists = {}, .digest = digest(), .state = "ok"};
  for (const std::uint32_t original : originals_) {
    const std::string& name = lists_[original].name;
    directory.lists.push_back({list_key(name), name, std::nullopt});
  }
  return directory;
}

bool Corpus::intact() const {
  return std::ranges::all_of(segments_, [](const Segment& segment) { return segment.intact(); });
}

}  // namespace stuffwatch::corpus
