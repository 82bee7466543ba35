// SPDX-License-Identifier: Apache-2.0
#include "holdfast/base/comma_list.hpp"

namespace holdfast {

std::string take_item(std::string_view& rest) {
  std::string item;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == ',') {
      if (!rest.starts_with(',')) return item;
      rest.remove_prefix(1);
    }
    item += c;
  }
  return item;
}

}  // namespace holdfast
