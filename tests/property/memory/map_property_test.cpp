// SPDX-License-Identifier: Apache-2.0
// Random maps under random edits, against an oracle that resolves one byte at a time.
//
//   HOLDFAST_TREES=n   how many maps
//   HOLDFAST_SEED=s    only the map with this seed, which a failure prints
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "holdfast/memory/fanout.hpp"
#include "tests/property/memory/map_program.hpp"

namespace holdfast::memory::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kTrees = 700;  // three programs: 2,100
#else
constexpr std::uint64_t kTrees = 34'000;  // three programs: 102,000
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

TEST(MapProperty, RandomMapsShowWhatTheOracleSays) {
  Statistics statistics;
  {
    World world;
    const std::uint64_t first = number_from("HOLDFAST_SEED", 1);
    const bool single = std::getenv("HOLDFAST_SEED") != nullptr;
    const std::uint64_t trees = single ? 1 : number_from("HOLDFAST_TREES", kTrees);
    const auto before = world.realm.census().take();
    for (std::uint64_t seed = first; seed < first + trees; ++seed) {
      MapProgram{world, statistics, seed * 0x10001 + kMapFanout}.run();
      ASSERT_FALSE(HasFailure()) << "HOLDFAST_SEED=" << seed;
    }
    world.realm.domain().barrier();
    EXPECT_EQ(world.realm.census().take(), before);
  }
  std::printf("fan-out %u\n", kMapFanout);
  statistics.print();
}

}  // namespace
}  // namespace holdfast::memory::test
