// SPDX-License-Identifier: Apache-2.0
// A device tree that a user gave.
#include "holdfast/boards/loader/device_tree.hpp"

#include "holdfast/base/check.hpp"

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span{data, size});
  const auto whole = boards::check_device_tree(bytes);
  if (!whole) return 0;
  HF_CHECK(*whole <= size, "{} of {} bytes", *whole, size);
  const auto completed = boards::with_chosen(
      bytes.first(*whole), {.bootargs = "console=ttyS0", .initrd = {{0x8800'0000, 0x1000}}});
  if (!completed) return 0;
  const auto again = boards::check_device_tree(*completed);
  HF_CHECK(again.has_value(), "what was completed is broken: {}", again.error().message);
  return 0;
}
