// SPDX-License-Identifier: Apache-2.0
// What one option says: an ordered list of keys and values, with its own text for messages. Whoever
// makes something of it reads it by Fields, which converts and in the end finds what nobody asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "holdfast/app/options/keyval.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/object/keyed_text.hpp"

namespace holdfast::app {

struct OptionGroup {
  std::string option;           // "device"; without the dash
  std::string text;             // as it was given, for messages
  std::vector<KeyValue> items;  // in the order given; keys may repeat

  /// The last value of a key; null if there is none.
  const std::string* find(std::string_view key) const;
  /// The value of "id", or "".
  std::string id() const;
  /// Replaces the value, or adds the key at the end.
  void set(std::string_view key, std::string value);
};

/// "-device foo,addr=1: message"
Error about(const OptionGroup& group, const Error& error);

/// `key=value,…` or, where it begins with a brace, a JSON object.
Result<OptionGroup> parse_group(std::string_view option, std::string_view text,
                                std::string_view implied);

/// Reads a group key by key; read_group() adds the option to its errors.
class Fields : public object::KeyedText {
 public:
  explicit Fields(const OptionGroup& group) : group_{group} {}

  std::optional<std::string> text(std::string_view key) override;
  /// All whose key begins so, without the prefix.
  std::vector<KeyValue> with_prefix(std::string_view prefix);
  /// All that nobody has asked for yet.
  std::vector<KeyValue> rest();
  /// An error if there is a key that nobody asked for; it names those that were.
  Result<void> finish() const;

  const OptionGroup& group() const { return group_; }

 private:
  bool is_known(std::string_view key) const;

  const OptionGroup& group_;        // outlives this
  std::vector<std::string> known_;  // keys asked for; "smp." stands for all below
};

/// What `read(Fields&)`, which returns a Result, makes of a group, all of whose keys it must ask for.
template <class Read>
std::invoke_result_t<Read, Fields&> read_group(const OptionGroup& group, Read&& read) {
  Fields fields{group};
  auto result = std::forward<Read>(read)(fields);
  if (!result) return std::unexpected{about(group, result.error())};
  if (const auto finished = fields.finish(); !finished)
    return std::unexpected{about(group, finished.error())};
  return result;
}

}  // namespace holdfast::app
