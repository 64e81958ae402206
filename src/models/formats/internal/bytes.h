#pragma once
// Little-endian numbers in a byte string, and arithmetic on sizes that a file claims.

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace invokeai::models {

using Bytes = std::span<const std::uint8_t>;

/// Bytes together with what keeps them alive: a file mapping or a buffer of their own.
struct OwnedBytes {
  Bytes bytes;
  std::shared_ptr<const void> owner;
};

/// The unsigned number at `offset`; the caller has checked that it lies inside.
template <class T>
T little_endian(Bytes bytes, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(bytes[offset + i]) << (8 * i));
  return value;
}

template <class T>
void append_little_endian(std::string& out, T value) {
  const auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(bits >> (8 * i) & 0xFF);
}

/// a + b or a * b, or nothing when the result does not fit.
template <class T>
std::optional<T> checked_add(T a, T b) {
  T sum;
  return __builtin_add_overflow(a, b, &sum) ? std::nullopt : std::optional<T>(sum);
}
template <class T>
std::optional<T> checked_multiply(T a, T b) {
  T product;
  return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional<T>(product);
}

/// A writable buffer, or null when the machine cannot give that much.
inline std::shared_ptr<std::uint8_t[]> make_buffer(std::size_t size) {
  return std::shared_ptr<std::uint8_t[]>(new (std::nothrow) std::uint8_t[size]);
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace invokeai::models
