#pragma once
// The chain of seeds: which picture follows which.

#include <cstdint>

namespace invokeai {

/// Seed of the picture made after one with `seed` (generation spec 1.1): the first draw below
/// 2^32-1 of Python's `random` seeded with it.
std::uint32_t next_seed(std::uint32_t seed);

/// A fresh seed in 0..2^32-2 from the operating system.
std::uint32_t random_seed();

}  // namespace invokeai
