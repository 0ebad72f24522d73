#include "daemon/pipeline/known_inputs.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace stuffwatch::daemon::pipeline {

using ingest::InputStart;

bool KnownInputs::same(const Past& past, const InputStart& start) {
  const auto& [format, hash, bytes] = past.trace;
  return bytes > 0 && start.head.size() >= bytes &&
         start.size.value_or(past.position.next_offset) >= past.position.next_offset &&
         ::XXH3_64bits(start.head.data(), bytes) == hash;
}

void KnownInputs::match(std::vector<File>& files, bool by_name) {
  for (File& file : files) {
    if (file.known) continue;
    const auto past = std::ranges::find_if(past_, [&](const Past& p) {
      return !p.now && p.position.id.declared == file.id.declared &&
             (!by_name || p.position.name == file.name) && same(p, file.start);
    });
    if (past == past_.end()) continue;
    past->now = file.id, past->now_called = file.name, file.known = true;
    traces_[file.id].format = past->trace.format;
  }
}

void KnownInputs::recognise(const ingest::Source& source, const Replaced& replaced) {
  std::vector<File> files;
  for (const auto& status : source.status()) {
    InputStart start = source.start(status.id);
    if (start.kind != InputStart::Kind::kFile) continue;
    traces_[status.id] = {{},
                          ::XXH3_64bits(start.head.data(), start.head.size()),
                          static_cast<std::uint32_t>(start.head.size())};
    files.push_back({status.id, status.name, std::move(start)});
  }
  match(files, true);
  match(files, false);
  for (const File& file : files) {
    const auto past = std::ranges::find_if(past_, [&](const Past& p) {
      return p.position.id.declared == file.id.declared && p.position.name == file.name;
    });
    if (file.known || past == past_.end() || past->position.next_offset == 0) continue;
    replaced(
        !past->now,
        fmt::format(
            "{}: not the file that was read before, up to byte {}, or shorter: it is read from its "
            "start; {}",
            file.name, past->position.next_offset,
            past->now ? fmt::format("the other goes on as {}", past->now_called)
                      : "what was not yet read of the other is lost"));
  }
}

const Merge::Resume* KnownInputs::file(ingest::InputId id) const {
  const auto past = std::ranges::find(past_, std::optional(id), &Past::now);
  return past == past_.end() ? nullptr : &past->position;
}

const ingest::DecoderInfo* KnownInputs::format(ingest::InputId id) const {
  const auto trace = traces_.find(id);
  return trace == traces_.end() ? nullptr : ingest::find_decoder(trace->second.format);
}

std::optional<EventTime> KnownInputs::newest(std::uint32_t declared) const {
  std::optional<EventTime> newest;
  for (const Past& past : past_)
    if (past.position.id.declared == declared && past.position.has_newest)
      newest = std::max(newest.value_or(past.position.newest), past.position.newest);
  return newest;
}

void KnownInputs::keep_format(const InputQueue& queue) {
  if (queue.decoder() != nullptr) traces_[queue.id()].format = queue.decoder()->name;
}

void KnownInputs::save(const Merge& merge, detectors::StateWriter& out) const {
  std::map<ingest::InputId, std::string_view> found;
  merge.for_each([&](const InputQueue& queue, bool, bool) {
    if (queue.decoder() != nullptr) found[queue.id()] = queue.decoder()->name;
  });
  for (const Merge::Resume& position : merge.positions()) {
    const auto known = traces_.find(position.id);
    const Trace trace = known == traces_.end() ? Trace{} : known->second;
    const auto format = found.find(position.id);
    out.text(format == found.end() ? std::string_view(trace.format) : format->second);
    out.put(trace.hash), out.put(trace.bytes);
  }
}

void KnownInputs::load(const Merge& merge, detectors::StateReader& in) {
  for (Merge::Resume& position : merge.positions()) {
    Trace trace;
    trace.format = in.text();
    trace.hash = in.get<std::uint64_t>(), trace.bytes = in.get<std::uint32_t>();
    traces_[position.id] = trace;
    past_.push_back({std::move(position), std::move(trace)});
  }
}

}  // namespace stuffwatch::daemon::pipeline
