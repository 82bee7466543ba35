// SPDX-License-Identifier: Apache-2.0
// The test devices, with the shapes that went wrong elsewhere.
#include "tests/lifecycle/lifecycle.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::test {
namespace {

template <class... T>
Result<void> register_all(object::TypeRegistry& registry) {
  Result<void> result = registry.add(hw::Device::kType);
  ((result = result ? boards::register_device<T>(registry, {.region = "regs"}) : result), ...);
  return result;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Lifecycle,
    ::testing::ValuesIn(subjects(&register_all<Scratch, Leaf, Shelf, SelfSeeing, Nest, BarOwner,
                                               Windows, Overlays, LockFree, Repeater,
                                               Doorbell>)),
    name_of);

}  // namespace
}  // namespace holdfast::test
