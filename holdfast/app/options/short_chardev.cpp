// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/short_chardev.hpp"

#include "holdfast/chardev/spelling.hpp"

namespace holdfast::app {

Result<OptionGroup> parse_short_chardev(std::string_view text) {
  OptionGroup group{.option = {}, .text = std::string{text}, .items = {}};
  for (auto& [key, value] : TRY(chardev::take_short_form_apart(text)))
    group.items.push_back({std::move(key), std::move(value)});
  return group;
}

}  // namespace holdfast::app
