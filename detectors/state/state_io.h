// The byte format of checkpoints: little endian, no padding, lengths first. Written and read by the same build family; the manifest carries the version.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/result.h"

namespace stuffwatch::detectors {

static_assert(std::endian::native == std::endian::little, "checkpoints are little endian");

template <class T>
concept Plain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

// Appends to a string that the caller pools.
class StateWriter {
 public:
  explicit StateWriter(std::string& out) : out_(out) {}
  template <Plain T>
  void put(const T& value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <Plain T>
  void put_all(std::span<const T> values) {
    put(static_cast<std::uint64_t>(values.size()));
    out_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  void text(std::string_view value) { put_all(std::span<const char>(value)); }
  void bytes(std::string_view value) { out_.append(value); }
  // Room for as much, so that the string does not grow by doubling: each time it would be copied to fresh pages.
  void expect(std::uint64_t bytes) { out_.reserve(out_.size() + bytes); }

 private:
  std::string& out_;
};

// Reads what StateWriter wrote. A short or impossible input sets failed() and yields zeros from then on: callers check once at the end.
class StateReader {
 public:
  explicit StateReader(std::string_view in) : in_(in) {}
  template <Plain T>
  [[nodiscard]] T get() {
    T value{};
    if (in_.size() < sizeof value) return fail(), value;
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    return value;
  }
  template <class Container>
  void get_all(Container& out) {
    using T = typename Container::value_type;
    const auto count = get<std::uint64_t>();
    if (count > in_.size() / sizeof(T)) return fail();
    out.resize(count);
    if (count != 0) std::memcpy(out.data(), in_.data(), count * sizeof(T));
    in_.remove_prefix(count * sizeof(T));
  }
  [[nodiscard]] std::string text() {
    std::string value;
    get_all(value);
    return value;
  }
  [[nodiscard]] std::string_view bytes(std::size_t size) {  // empty when there are fewer
    if (in_.size() < size) return fail(), std::string_view();
    const std::string_view value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  void fail() { failed_ = true, in_ = {}; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return in_.empty(); }
  [[nodiscard]] config::Result<void> finish(
      std::string_view what) const;  // an error that names `what` when failed() or bytes are left

 private:
  std::string_view in_;
  bool failed_ = false;
};

}  // namespace stuffwatch::detectors
