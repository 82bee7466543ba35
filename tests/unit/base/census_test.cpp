// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/census.hpp"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

TEST(Census, CountsForAsLongAsTheHolderLives) {
  Census census;
  const auto before = census.take();
  {
    Counted region{census, Census::Kind::kRegion};
    EXPECT_EQ(census.take()[Census::Kind::kRegion], 1);
    EXPECT_EQ(census.take().to_string(), "regions 1");
  }
  EXPECT_EQ(census.take(), before);
  EXPECT_EQ(before.to_string(), "nothing");
}

}  // namespace
}  // namespace holdfast
