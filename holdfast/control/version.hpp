// SPDX-License-Identifier: Apache-2.0
// The version of QEMU that clients are told: the protocols are spoken as that one speaks them.
#pragma once

#include <string_view>

namespace holdfast::control {

struct SpokenVersion {
  int major;
  int minor;
  int micro;
  std::string_view text;
};
inline constexpr SpokenVersion kSpokenVersion{8, 2, 0, "8.2.0"};

}  // namespace holdfast::control
