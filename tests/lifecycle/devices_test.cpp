// SPDX-License-Identifier: Apache-2.0
// The types of the library. A new one is covered by being registered.
#include <fstream>
#include <sstream>

#include "tests/lifecycle/lifecycle.hpp"

namespace holdfast::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Registered, Lifecycle,
                         ::testing::ValuesIn(subjects(&boards::register_device_types)), name_of);

TEST(Matrix, IsTheOneOfTheDocs) {
  const std::string matrix = table(subjects(&boards::register_device_types));
  std::cout << matrix;
  std::ifstream file{std::string{SOURCE_FOLDER} + "/docs/lifetimes.md"};
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(matrix), std::string::npos) << "docs/lifetimes.md has another table";
}

}  // namespace
}  // namespace holdfast::test
