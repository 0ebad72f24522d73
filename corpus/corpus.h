// The breach corpus: a folder of segments, a manifest that says which of them count, and the key.
//
//   <folder>/key        64 hex digits, 0400
//   <folder>/MANIFEST   text: which segments, which accounts were forgotten; replaced as a whole
//   <folder>/*.bcs      segments (docs/corpus-format.md), never changed once they have their name
//
// Corpus is what readers hold: one state of the folder, for as long as they like. CorpusFolder changes the folder; one process at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/durable_file.h"
#include "config/result.h"
#include "corpus/account_key.h"
#include "corpus/list_builder.h"
#include "corpus/list_hit.h"
#include "corpus/manifest.h"
#include "corpus/segment.h"

namespace stuffwatch::corpus {

class Corpus;

// Where segments are to be: in memory as far as they fit, together with all that `previous` holds there already; the others are mapped. What `previous` has of
// them is shared.
struct Placement {
  std::uint64_t memory = 0;  // bytes
  const Corpus* previous = nullptr;
};
// Those that the manifest names. Errors: those of Segment::open; one that is another file than the manifest says.
[[nodiscard]] config::Result<std::vector<Segment>> open_segments(
    const std::filesystem::path& folder, const Manifest& manifest, const Placement& placement = {});

[[nodiscard]] std::uint64_t list_key(std::string_view name);  // ListName::key

// Which lists hold each of some accounts.
struct Hits {
  std::vector<ListHit> all;
  std::vector<std::uint32_t> end;  // of account i in `all`
  [[nodiscard]] std::span<const ListHit> of(std::size_t account) const {
    const std::size_t begin = account == 0 ? 0 : end[account - 1];
    return std::span(all).subspan(begin, end[account] - begin);
  }
};

// Threads: const members from any. Memory: that of its segments. Cost: 65 to 77 ns an account in batches of kBatch, 500 alone (one segment of 100 million).
class Corpus {
 public:
  static constexpr std::size_t kBatch = 64, kMaxHits = 8;

  // Errors: those of the manifest and of Segment::open; a folder that is no corpus: kConfiguration with the remedy.
  [[nodiscard]] static config::Result<Corpus> open(const std::filesystem::path& folder,
                                                   const AccountHasher& hasher,
                                                   const Placement& placement);
  [[nodiscard]] static config::Result<Corpus> open(const std::filesystem::path& folder,
                                                   const AccountHasher& hasher,
                                                   Residence residence) {
    return open(folder, hasher, Placement{residence == Residence::kLoaded ? ~std::uint64_t{0} : 0});
  }

  // ListHit::list indexes lists(). Of one account at most `most` hits, the rest is left out.
  void resolve(std::span<const AccountKey> accounts, Hits& out, std::size_t most = kMaxHits) const;

  [[nodiscard]] const std::vector<ListInfo>& lists() const { return lists_; }
  // [index of lists()]: the first list with the same original, however many orderings away and whether or not that is still here. Orderings of one list are
  // one wherever accounts are counted.
  [[nodiscard]] const std::vector<std::uint32_t>& originals() const { return originals_; }
  // [segment][its list]: index of lists().
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& list_of() const { return list_of_; }
  [[nodiscard]] std::uint64_t entries() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t loaded_bytes() const;  // of them, in memory
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  // SHA-256 of what the manifest says, in hex: equal corpora of one key answer alike.
  [[nodiscard]] std::string digest() const;
  [[nodiscard]] ListDirectory directory() const;
  // False: a mapped file was cut short or its disk failed, and what was resolved since is worth nothing.
  [[nodiscard]] bool intact() const;

 private:
  Manifest manifest_;
  std::vector<Segment> segments_;
  std::vector<ListInfo> lists_;  // by id
  std::vector<std::uint32_t> originals_;
  std::vector<std::vector<std::uint32_t>> list_of_;
};

// Where accounts stand: a batch at a time through all segments, so that main memory is waited for once a stage and not once an account. Keeps what it needs from
// call to call. Threads: one.
class Probe {
 public:
  explicit Probe(const Corpus& corpus)
      : corpus_(corpus), buckets_(corpus.segments().size() * Corpus::kBatch) {}

  // hash_of(i) for i < accounts; found(i, segment, its entries of the account) for each that has some; then done(i), in order of i. Forgotten accounts
  // are found nowhere.
  template <class HashOf, class Found, class Done>
  void operator()(std::size_t accounts, HashOf&& hash_of, Found&& found, Done&& done) {
    const std::vector<Segment>& segments = corpus_.segments();
    for (std::size_t first = 0; first < accounts; first += Corpus::kBatch) {
      const std::size_t size = std::min(Corpus::kBatch, accounts - first);
      for (const Segment& segment : segments)
        for (std::size_t i = 0; i < size; ++i) segment.prefetch(hash_of(first + i));
      for (std::size_t s = 0; s < segments.size(); ++s)
        for (std::size_t i = 0; i < size; ++i)
          buckets_[s * Corpus::kBatch + i] = segments[s].bucket_of(hash_of(first + i));
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t hash = hash_of(first + i);
        for (std::size_t s = 0; s < segments.size(); ++s) {
          const Segment::Range range = segments[s].find(hash, buckets_[s * Corpus::kBatch + i]);
          if (range.begin == range.end) continue;
          if (std::ranges::binary_search(corpus_.manifest().forgotten, hash)) break;
          found(first + i, s, range);
        }
        done(first + i);
      }
    }
  }

 private:
  const Corpus& corpus_;
  std::vector<Segment::Range> buckets_;  // [segment][account of the batch]
};

// Threads: one. Errors: kConfiguration for what the caller can mend, kFailed for the rest; after an error the folder is as it was.
class CorpusFolder {
 public:
  // Makes it, with a fresh key. Errors: there is a corpus already.
  [[nodiscard]] static config::Result<void> init(const std::filesystem::path& folder);
  // Takes it for changes: another process that changes it is an error. `key_file` empty: <folder>/key.
  [[nodiscard]] static config::Result<CorpusFolder> open(const std::filesystem::path& folder,
                                                         const std::filesystem::path& key_file);

  [[nodiscard]] const AccountHasher& hasher() const { return hasher_; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  // The list becomes a segment of its own. Refuses a name that is taken and, unless `again`, an input that was added before.
  [[nodiscard]] config::Result<Built> add(ListInput& input, BuildOptions options, bool again,
                                          const OnBuildProgress& on_progress);
  // Reads all segments, twice, and writes one, without what was removed or forgotten. One that is damaged is an error.
  enum class Compacted : std::uint8_t { kNothing, kMerged, kStopped };
  [[nodiscard]] config::Result<Compacted> compact(const std::function<bool(double)>& on_progress);
  // By the name of the list, or of a segment's file with all of its lists, which need not be readable.
  [[nodiscard]] config::Result<void> remove(std::string_view list);
  [[nodiscard]] config::Result<void> forget(std::span<const AccountKey> accounts);

 private:
  CorpusFolder(std::filesystem::path folder, config::FileDescriptor lock, AccountHasher hasher,
               Manifest manifest)
      : folder_(std::move(folder)),
        lock_(std::move(lock)),
        hasher_(std::move(hasher)),
        manifest_(std::move(manifest)) {}
  [[nodiscard]] config::Result<void> publish(Manifest next);
  void remove_leftovers() const;
  [[nodiscard]] std::string next_segment() const;
  // `without`: the name of a list.
  [[nodiscard]] config::Result<Compacted> merge(std::string_view without,
                                                const std::function<bool(double)>& on_progress);

  std::filesystem::path folder_;
  config::FileDescriptor lock_;
  AccountHasher hasher_;
  Manifest manifest_;
};

}  // namespace stuffwatch::corpus
