#include "base/seeds.h"

#include <array>
#include <random>

#include "base/result.h"

namespace invokeai {
namespace {

constexpr int kStateWords = 624;  // of the Mersenne Twister MT19937

/// MT19937's state after init_by_array with a key of one word. Source: Matsumoto and Nishimura
/// 2002, mt19937ar; Python seeds integers this way.
std::array<std::uint32_t, kStateWords> python_random_state(std::uint32_t key) {
  std::array<std::uint32_t, kStateWords> state;
  state[0] = 19650218;
  auto mixed = [&](int i) { return state[i - 1] ^ (state[i - 1] >> 30); };
  for (int i = 1; i < kStateWords; ++i) state[i] = 1812433253u * mixed(i) + i;
  int i = 1;
  auto advance = [&] {
    if (++i < kStateWords) return;
    state[0] = state[kStateWords - 1];
    i = 1;
  };
  for (int round = 0; round < kStateWords; ++round, advance())
    state[i] = (state[i] ^ (mixed(i) * 1664525u)) + key;
  for (int round = 0; round < kStateWords - 1; ++round, advance())
    state[i] = (state[i] ^ (mixed(i) * 1566083941u)) - i;
  state[0] = 0x80000000u;
  return state;
}

}  // namespace

std::uint32_t next_seed(std::uint32_t seed) {
  const auto state = python_random_state(seed);
  // The first 227 outputs depend on untouched words only; all but one seed in four billion need
  // one.
  for (int i = 0; i + 397 < kStateWords; ++i) {
    const std::uint32_t joined = (state[i] & 0x80000000u) | (state[i + 1] & 0x7FFFFFFFu);
    std::uint32_t y = state[i + 397] ^ (joined >> 1) ^ (joined & 1 ? 0x9908B0DFu : 0u);
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    y ^= y >> 18;
    if (y != 0xFFFFFFFFu) return y;
  }
  check_failed(__FILE__, __LINE__, "227 draws in a row were 2^32-1");
}

std::uint32_t random_seed() {
  std::random_device device;
  return std::uniform_int_distribution<std::uint32_t>(0, 0xFFFFFFFEu)(device);
}

}  // namespace invokeai
