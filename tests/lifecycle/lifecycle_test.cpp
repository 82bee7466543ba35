// SPDX-License-Identifier: Apache-2.0
// The test devices, with the shapes that went wrong elsewhere.
#include "holdfast/hw/base_types.hpp"
#include "tests/lifecycle/lifecycle.hpp"
#include "tests/support/pci_devices.hpp"
#include "tests/support/test_devices.hpp"

namespace holdfast::test {
namespace {

template <class... T>
Result<void> register_all(object::TypeRegistry& registry) {
  Result<void> result = hw::add_base_types(registry);
  ((result = result ? boards::register_device<T>(registry, {.region = "regs"}) : result), ...);
  return result;
}

template <class... T>
Result<void> register_functions(object::TypeRegistry& registry) {
  Result<void> result = hw::add_base_types(registry);
  if (result) result = registry.add(pci::Function::kType);
  ((result = result ? boards::register_device<T>(registry, {.bus = pci::Bus::kFamily}) : result), ...);
  return result;
}

INSTANTIATE_TEST_SUITE_P(
    Functions, Lifecycle,
    ::testing::ValuesIn(subjects(&register_functions<PciProbe, PciRam, PciShelf, PciWindow, PciResizer,
                                                     PciMover>)),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Shapes, Lifecycle,
    ::testing::ValuesIn(subjects(&register_all<Scratch, Leaf, Shelf, SelfSeeing, Nest, BarOwner,
                                               Windows, Overlays, LockFree, Repeater,
                                               Doorbell>)),
    name_of);

}  // namespace
}  // namespace holdfast::test
