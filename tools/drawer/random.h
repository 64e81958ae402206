#pragma once
// Random numbers that are the same on every machine and compiler.

#include <cstdint>

namespace invokeai::drawer {

/// splitmix64 (Steele, Lea, Flood 2014). Also a good hash: Random(key).next().
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Evenly in [0, count).
  int below(int count) {
    return static_cast<int>((next() >> 32) * static_cast<unsigned>(count) >> 32);
  }
  /// Evenly in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// Evenly in [-reach, reach).
  double around_zero(double reach) { return (2 * unit() - 1) * reach; }
  bool chance(double probability) { return unit() < probability; }

 private:
  std::uint64_t state_;
};

}  // namespace invokeai::drawer
