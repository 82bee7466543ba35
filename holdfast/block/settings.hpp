// SPDX-License-Identifier: Apache-2.0
// What a back-end is to be, as people and programs say it: keys and values, with dots where there is
// something inside ("file.driver"). Whoever reads them finds in the end what nobody asked for.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "holdfast/base/result.hpp"
#include "holdfast/object/keyed_text.hpp"

namespace holdfast::block {

class Settings : public object::KeyedText {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;
  Settings() = default;
  explicit Settings(Values values) : values_{std::move(values)} {}

  void set(std::string key, std::string value) { values_[std::move(key)] = std::move(value); }
  bool has(std::string_view key) const { return values_.contains(key); }
  bool is_empty() const { return values_.empty(); }

  std::optional<std::string> text(std::string_view key) override;
  /// All that begins with `key` and a dot, without that.
  Settings below(std::string_view key);
  void put_below(std::string_view key, const Settings& inner);
  /// An error if there is a key that nobody asked for; it names those that were.
  Result<void> finish(std::string_view driver) const;

 private:
  Values values_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace holdfast::block
