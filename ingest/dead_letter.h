// Where records go that could not be decoded: kept whole, so that a fixed decoder can read them
// again, or as a reference, so that somebody can look them up.
//
// Threads: one. Nothing blocks but flush().
// Memory:  bounded; a full queue refuses the record and the pipeline waits (back pressure). Never
// rate-limited, never lost silently: what a size or age cap removes later is told in a notice and
// counted.
// Privacy: a record holds what a user typed; the file is 0600, and keeps no bytes unless it is told
// to.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/bytes.h"
#include "config/field_visitor.h"
#include "config/result.h"
#include "config/rfc3339.h"

namespace stuffwatch::ingest {

enum class DeadLetterMode : std::uint8_t {
  kAuto,       // raw in a topic, reference in a file
  kRaw,        // the record's bytes
  kReference,  // where it stands, why it was refused, how long it is
  kOff,        // counted only
};

struct DeadLetterSettings {
  DeadLetterMode mode = DeadLetterMode::kAuto;
  std::string topic;
  std::string file;
  config::Bytes max_bytes = config::mebibytes(256);
  std::chrono::milliseconds max_age = std::chrono::days(30);

  void visit(config::FieldVisitor& v);
};

struct DeadLetterRecord {
  std::string_view bytes;
  std::string_view input;  // logins[3], or a file's path
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = -1;
  std::string_view reason;  // from the bounded set of the decoders
};

using DeadLetterNotice = std::function<void(const std::string&)>;

class DeadLetter {
 public:
  virtual ~DeadLetter() = default;
  // False: no room; offer the same record again after serve(). `now` dates files, nothing else.
  [[nodiscard]] virtual bool offer(const DeadLetterRecord& record, config::TimeMs now) = 0;
  // Moves things along. Call at least once a second.
  virtual void serve(config::TimeMs now) = 0;
  // Everything offered is safe: call it before offsets are committed. Fails after `patience`, and
  // can be called again.
  [[nodiscard]] virtual config::Result<void> flush(std::chrono::milliseconds patience) = 0;
  // Why records wait; "" when all is well.
  [[nodiscard]] virtual std::string problem() const = 0;
  // Where they go, for people; "" = nowhere.
  [[nodiscard]] virtual std::string destination() const = 0;
};

// Counts nothing, keeps nothing: mode off.
class NoDeadLetter final : public DeadLetter {
 public:
  [[nodiscard]] bool offer(const DeadLetterRecord&, config::TimeMs) override { return true; }
  void serve(config::TimeMs) override {}
  [[nodiscard]] config::Result<void> flush(std::chrono::milliseconds) override { return {}; }
  [[nodiscard]] std::string problem() const override { return {}; }
  [[nodiscard]] std::string destination() const override { return {}; }
};

// The line of a record, without its line end:
// {"time":...,"input":"logins[3]","offset":7,"reason":"not_json","bytes":12,"raw":"..."}; `time` is
// the record's own and absent without one, `raw` is base64 and absent in kReference.
void append_dead_letter_line(std::string& out, const DeadLetterRecord& record, DeadLetterMode mode);

// Lines in a file that rotates: `path`, `path.1` (newest) to `path.4`. The sizes together stay
// below max_bytes (a single larger record apart), and nothing is kept longer than max_age and a
// quarter, going by the files' own times.
class DeadLetterFile final : public DeadLetter {
 public:
  static constexpr std::size_t kQueueBytes = std::size_t{4} << 20U;
  static constexpr int kOldFiles = 4;

  struct Options {
    std::string path;
    DeadLetterMode mode = DeadLetterMode::kReference;
    config::Bytes max_bytes = config::mebibytes(256);
    std::chrono::milliseconds max_age = std::chrono::days(30);
    DeadLetterNotice notice = {};
  };
  // Creates the file (0600); cuts a last line that a crash left unfinished.
  [[nodiscard]] static config::Result<std::unique_ptr<DeadLetterFile>> open(Options options,
                                                                            config::TimeMs now);
  ~DeadLetterFile() override;

  [[nodiscard]] bool offer(const DeadLetterRecord& record, config::TimeMs now) override;
  void serve(config::TimeMs now) override;
  [[nodiscard]] config::Result<void> flush(std::chrono::milliseconds patience) override;
  [[nodiscard]] std::string problem() const override { return problem_; }
  [[nodiscard]] std::string destination() const override { return options_.path; }
  // Takes the record in full whatever the mode says: for what was meant to be kept whole elsewhere.
  [[nodiscard]] bool offer_as(const DeadLetterRecord& record, DeadLetterMode mode,
                              config::TimeMs now);
  // Bytes of files that a cap removed.
  [[nodiscard]] std::uint64_t removed_bytes() const { return removed_bytes_; }

 private:
  explicit DeadLetterFile(Options options) : options_(std::move(options)) {}
  [[nodiscard]] config::Result<void> reopen(config::TimeMs now);
  [[nodiscard]] config::Result<void> write_queue();
  [[nodiscard]] config::Result<void> rotate(config::TimeMs now, std::string_view why);
  void remove_old(config::TimeMs now);
  void remove(const std::string& path, std::string_view why);
  [[nodiscard]] std::string numbered(int number) const;
  [[nodiscard]] std::uint64_t rotate_at() const {
    return options_.max_bytes.count / (kOldFiles + 1);
  }

  Options options_;
  int file_ = -1;
  std::uint64_t size_ = 0;
  config::TimeMs born_{};
  config::TimeMs looked_{};
  std::string queue_;  // whole lines that are not in the file yet
  std::string problem_;
  bool unsynced_ = false;
  std::uint64_t removed_bytes_ = 0;
};

// The mode that kAuto stands for.
[[nodiscard]] constexpr DeadLetterMode effective_mode(const DeadLetterSettings& settings) {
  if (settings.mode != DeadLetterMode::kAuto) return settings.mode;
  return settings.topic.empty() ? DeadLetterMode::kReference : DeadLetterMode::kRaw;
}

}  // namespace stuffwatch::ingest

template <>
struct stuffwatch::config::EnumNames<stuffwatch::ingest::DeadLetterMode> {
  using Mode = ingest::DeadLetterMode;
  static constexpr EnumName<Mode> kValues[] = {
      {Mode::kAuto, "auto", "raw when a topic is named, else reference"},
      {Mode::kRaw, "raw", "the record's bytes, as they came"},
      {Mode::kReference, "reference", "input, offset, reason and length, but no bytes"},
      {Mode::kOff, "off", "records are counted and forgotten"},
  };
};
