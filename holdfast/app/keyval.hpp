// SPDX-License-Identifier: Apache-2.0
// `virt,smp.cpus=2,comment=a,,b`: how options of this field carry several values in one word.
//
//   list  = [item {',' item} [',']]
//   item  = key '=' value | word
//
// A comma inside a value or word is written twice. Only the first item may be a word; it is then the
// value of the key that the option implies. Keys are letters, digits and any of `-_.`, and may
// repeat; what a repetition means is the option's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::app {

struct KeyValue {
  std::string key;
  std::string value;
  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

/// In the order of the text. `implied` is the key of a leading word; "" if there is none.
Result<std::vector<KeyValue>> parse_keyval(std::string_view text, std::string_view implied);

}  // namespace holdfast::app
