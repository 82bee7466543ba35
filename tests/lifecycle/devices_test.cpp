// SPDX-License-Identifier: Apache-2.0
// The types of the library. A new one is covered by being registered.
#include "tests/lifecycle/docs_table.hpp"
#include "tests/lifecycle/lifecycle.hpp"

namespace holdfast::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Registered, Lifecycle,
                         ::testing::ValuesIn(subjects(&boards::register_device_types)), name_of);

TEST(Matrix, IsTheOneOfTheDocs) {
  expect_in_docs(table(subjects(&boards::register_device_types)));
}

}  // namespace
}  // namespace holdfast::test
