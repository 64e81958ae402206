#pragma once
// The generator behind NumPy's default_rng: PCG64 (XSL-RR) seeded through SeedSequence.
// Source: O'Neill 2014, "PCG"; NumPy's documentation of SeedSequence and PCG64.

#include <array>
#include <bit>
#include <cstdint>

namespace invokeai::image {

class Pcg64 {
 public:
  explicit Pcg64(std::uint64_t seed) {
    const auto words = seed_words(seed);
    increment_ = (join(words[2], words[3]) << 1) | 1;
    step();
    state_ += join(words[0], words[1]);
    step();
  }

  std::uint64_t next64() {
    step();
    const auto high = static_cast<std::uint64_t>(state_ >> 64);
    return std::rotr(high ^ static_cast<std::uint64_t>(state_), static_cast<int>(high >> 58));
  }

  /// The lower half of a 64-bit draw, then its upper half.
  std::uint32_t next32() {
    if (has_half_) {
      has_half_ = false;
      return half_;
    }
    const std::uint64_t both = next64();
    half_ = static_cast<std::uint32_t>(both >> 32);
    has_half_ = true;
    return static_cast<std::uint32_t>(both);
  }

  /// Uniform in 0..count-1, as Generator.integers draws it (Lemire 2019). A count of 1 draws
  /// nothing.
  std::uint32_t below(std::uint32_t count) {
    if (count <= 1) return 0;
    std::uint64_t product = std::uint64_t{next32()} * count;
    if (static_cast<std::uint32_t>(product) < count) {
      const std::uint32_t threshold = (0u - count) % count;
      while (static_cast<std::uint32_t>(product) < threshold)
        product = std::uint64_t{next32()} * count;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  static Wide join(std::uint64_t high, std::uint64_t low) { return (Wide{high} << 64) | low; }

  void step() {
    state_ = state_ * join(2549297995355413924ull, 4865540595714422341ull) + increment_;
  }

  /// SeedSequence(seed).generate_state(4, uint64).
  static std::array<std::uint64_t, 4> seed_words(std::uint64_t seed) {
    std::uint32_t constant = 0x43b0d7e5u;
    const auto hashed = [&](std::uint32_t value) {
      value ^= constant;
      constant *= 0x931e8875u;
      value *= constant;
      return value ^ (value >> 16);
    };
    std::array<std::uint32_t, 4> pool = {static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32), 0, 0};
    for (auto& word : pool) word = hashed(word);
    for (std::size_t from = 0; from < 4; ++from) {
      for (std::size_t to = 0; to < 4; ++to) {
        if (from == to) continue;
        const std::uint32_t mixed = 0xca01f9ddu * pool[to] - 0x4973f715u * hashed(pool[from]);
        pool[to] = mixed ^ (mixed >> 16);
      }
    }
    constant = 0x8b51f9ddu;
    std::array<std::uint64_t, 4> words{};
    for (std::size_t i = 0; i < 8; ++i) {
      std::uint32_t value = pool[i % 4] ^ constant;
      constant *= 0x58f38dedu;
      value *= constant;
      value ^= value >> 16;
      words[i / 2] |= std::uint64_t{value} << 32 * (i % 2);
    }
    return words;
  }

  Wide state_ = 0;
  Wide increment_ = 0;
  std::uint32_t half_ = 0;
  bool has_half_ = false;
};

}  // namespace invokeai::image
