// SPDX-License-Identifier: Apache-2.0
// The types of the library. A new one is covered by being registered.
#include "tests/lifecycle/lifecycle.hpp"

namespace holdfast::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Registered, Lifecycle,
                         ::testing::ValuesIn(subjects(&boards::register_device_types)), name_of);

}  // namespace
}  // namespace holdfast::test
