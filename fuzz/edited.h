#pragma once
// Fuzzing formats behind a checksum or entropy coder, where random bytes never come far: the input
// is a list of edits to a good file, three bytes each: where (16 bits) and what to xor.

#include <cstdint>
#include <span>
#include <string>

inline std::string edited(std::string good, std::span<const std::uint8_t> edits) {
  for (std::size_t i = 0; i + 2 < edits.size() && !good.empty(); i += 3) {
    const std::size_t at = (edits[i] | std::size_t{edits[i + 1]} << 8) % good.size();
    good[at] = static_cast<char>(good[at] ^ edits[i + 2]);
  }
  // The last byte, if one is left over, cuts the file.
  if (edits.size() % 3 == 1) good.resize(good.size() * edits.back() / 256);
  return good;
}
