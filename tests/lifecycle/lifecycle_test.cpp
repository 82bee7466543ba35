// SPDX-License-Identifier: Apache-2.0
// The test devices, with the shapes that went wrong elsewhere.
#include "tests/lifecycle/lifecycle.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::test {
namespace {

using TestTypes = ::testing::Types<Scratch, Leaf, Shelf, SelfSeeing, Nest, BarOwner, Windows,
                                   Overlays, LockFree, Repeater>;
INSTANTIATE_TYPED_TEST_SUITE_P(Shapes, Lifecycle, TestTypes, TypeNames);

}  // namespace
}  // namespace holdfast::test
