// SPDX-License-Identifier: Apache-2.0
// `virt,smp.cpus=2,comment=a,,b`: how options of this field carry several values in one word.
//
//   list  = [item {',' item} [',']]
//   item  = key '=' value | word
//
// A comma inside a value or word is written twice. A first item that is a word is the value of the key
// that the option implies. Where switches are allowed, any other word is one: `server` is server=on,
// `nowait` is wait=off. Keys are letters, digits and any of `-_.[]`, and may repeat; what a repetition
// means is the option's business.
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

/// What a word without a value is, unless it is the implied first one.
enum class Words { kRefused, kSwitches };

/// In the order of the text. `implied` is the key of a leading word; "" if there is none.
Result<std::vector<KeyValue>> parse_keyval(std::string_view text, std::string_view implied,
                                           Words words = Words::kRefused);

}  // namespace holdfast::app
