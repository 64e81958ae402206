#include "base/seeds.h"

#include <gtest/gtest.h>

#include <utility>

namespace invokeai {
namespace {

TEST(Seeds, ChainIsThatOfPython) {
  // random.seed(a); random.randrange(0, 4294967295), from CPython 3.11; longer chains are in
  // tests/golden/noise.json, which the room sampling reads.
  for (const auto& [seed, next] :
       {std::pair{0u, 3626764237u}, std::pair{1u, 577090037u}, std::pair{42u, 2746317213u},
        std::pair{123u, 224899942u}, std::pair{1234567890u, 3954301776u}})
    EXPECT_EQ(next_seed(seed), next) << seed;
}

TEST(Seeds, RandomSeedsDiffer) {
  EXPECT_FALSE(random_seed() == random_seed() && random_seed() == random_seed());
}

}  // namespace
}  // namespace invokeai
