#include "corpus/account_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "config/utf8.h"
#include "corpus/account_register_writer.h"

namespace stuffwatch::corpus {
namespace {

static_assert(static_cast<std::size_t>(AccountReject::kCount) <=
              std::tuple_size_v<decltype(RegisterSource::rejected)>);

// One export while it is read.
class Loader {
 public:
  Loader(const ListInput& input, const AccountHasher& hasher,
         const std::optional<AccountColumns>& columns)
      : input_(input), hasher_(hasher), said_(columns) {}

  config::Result<void> take(const LineChunk& chunk) {
    std::uint64_t line = chunk.first_line;
    for (std::string_view rest = chunk.bytes; !rest.empty(); ++line) {
      const std::size_t end = rest.find('\n');
      if (auto taken = take_line(rest.substr(0, end), chunk.text, line); !taken) return taken;
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return {};
  }

  LoadedAccounts loaded;
  AccountRegisterWriter writer;

 private:
  [[nodiscard]] std::string place(std::uint64_t line) const {
    const std::string file = input_.name() == "-" ? "standard input" : input_.name();
    return config::one_line(fmt::format("{}{}{}:{}", file, input_.member().empty() ? "" : ":",
                                        input_.member(), line - first_line_ + 1));
  }

  config::Result<void> take_line(std::string_view line, std::uint32_t text, std::uint64_t number) {
    if (text_ != text) {
      text_ = text, first_line_ = number;
      auto header = begin_text(line);
      if (!header)
        return std::unexpected(config::Error{
            header.error().kind, fmt::format("{}: {}", place(number), header.error().message)});
      if (*header) return {};
    }
    ++loaded.source.rows;
    const AccountReject reject = columns_.read(line, row_);
    if (reject == AccountReject::kNone) return add_row(number);
    const auto reason = static_cast<std::size_t>(reject);
    if (loaded.source.rejected[reason]++ == 0) loaded.first_place[reason] = place(number);
    return {};
  }

  // Whether its first line is a header.
  config::Result<bool> begin_text(std::string_view line) {
    if (said_) {
      columns_ = *said_;
    } else {
      auto found = AccountColumns::of_first_line(line);
      if (!found) return std::unexpected(found.error());
      columns_ = std::move(*found);
    }
    if (first_line_ == 0) loaded.columns = columns_;
    return columns_.is_header(line);
  }

  config::Result<void> add_row(std::uint64_t number) {
    const auto class_number = writer.class_number(row_.class_name);
    if (!class_number)
      return std::unexpected(
          config::Error{class_number.error().kind,
                        fmt::format("{}: {}", place(number), class_number.error().message)});
    const std::uint64_t id =
        row_.id.empty() ? 0 : hasher_.keyed(AccountHasher::Purpose::kAccountId, row_.id);
    writer.add({value_of(hasher_(row_.account, canonical_)), id, row_.created, row_.closed,
                *class_number});
    return {};
  }

  const ListInput& input_;
  const AccountHasher& hasher_;
  const std::optional<AccountColumns>& said_;
  AccountColumns columns_;
  std::optional<std::uint32_t> text_;
  std::uint64_t first_line_ = 0;  // of the text
  AccountRow row_;
  std::string canonical_;
};

std::unexpected<config::Error> no_account(const LoadedAccounts& loaded) {
  if (loaded.source.rows == 0) return config::failed("a header and no account below it");
  const auto most = static_cast<std::size_t>(std::ranges::max_element(loaded.source.rejected) -
                                             loaded.source.rejected.begin());
  return config::failed("no account in {} rows, most of them {}, the first at {}",
                        loaded.source.rows, name_of(static_cast<AccountReject>(most)),
                        loaded.first_place[most]);
}

}  // namespace

std::uint64_t LoadedAccounts::rejected() const {
  return std::accumulate(source.rejected.begin(), source.rejected.end(), std::uint64_t{0});
}

config::Result<LoadedAccounts> load_accounts(ListInput& input, const AccountHasher& hasher,
                                             const std::optional<AccountColumns>& columns,
                                             config::TimeMs now,
                                             const std::filesystem::path& folder,
                                             const OnLoadProgress& on_progress) {
  Loader loader(input, hasher, columns);
  LoadedAccounts& loaded = loader.loaded;
  loaded.source.loaded_ms = now.time_since_epoch().count();
  for (LineChunk chunk;;) {
    const auto more = input.next(chunk);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (auto taken = loader.take(chunk); !taken) return std::unexpected(taken.error());
    if (!on_progress(loaded.source.rows, input.bytes_read())) {
      loaded.stopped = true;
      return std::move(loaded);
    }
  }
  if (loaded.rejected() == loaded.source.rows) return no_account(loaded);
  const auto duplicates = loader.writer.finish(folder, loaded.source, hasher.check_value());
  if (!duplicates) return std::unexpected(duplicates.error());
  loaded.source.duplicates = *duplicates;
  return std::move(loaded);
}

}  // namespace stuffwatch::corpus
