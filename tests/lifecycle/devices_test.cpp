// SPDX-License-Identifier: Apache-2.0
// The device models. A new one is covered by being added to the list.
#include "holdfast/devices/intc/sifive_plic.hpp"
#include "holdfast/devices/misc/sifive_test.hpp"
#include "holdfast/devices/rtc/goldfish_rtc.hpp"
#include "holdfast/devices/serial/ns16550a.hpp"
#include "holdfast/devices/timer/riscv_clint.hpp"
#include "tests/lifecycle/lifecycle.hpp"

namespace holdfast::test {
namespace {

using Models = ::testing::Types<devices::SifivePlic, devices::SifiveTest, devices::GoldfishRtc,
                                devices::Ns16550a, devices::RiscvClint>;
INSTANTIATE_TYPED_TEST_SUITE_P(Models, Lifecycle, Models, TypeNames);

}  // namespace
}  // namespace holdfast::test
