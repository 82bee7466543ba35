// SPDX-License-Identifier: Apache-2.0
// Keys with texts, as people and programs say what they want, read as what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/base/result.hpp"

namespace holdfast::object {

/// Errors name the key and say what it takes. Nothing, where the key was not given, is no error.
class KeyedText {
 public:
  virtual ~KeyedText() = default;

  virtual std::optional<std::string> text(std::string_view key) = 0;

  /// An error if it is missing or empty; `shape` is what it would take: "the path of a file".
  Result<std::string> required(std::string_view key, std::string_view shape);
  Result<std::optional<bool>> flag(std::string_view key);
  Result<std::optional<std::uint64_t>> number(std::string_view key, std::uint64_t least,
                                              std::uint64_t most);
  /// Bytes; without a suffix in units of `unit`.
  Result<std::optional<std::uint64_t>> size(std::string_view key, std::uint64_t unit = 1);
  /// The place of the text among `names`.
  Result<std::optional<std::size_t>> choice(std::string_view key,
                                            std::span<const std::string_view> names);

 protected:
  KeyedText() = default;
  KeyedText(const KeyedText&) = default;
  KeyedText(KeyedText&&) = default;
  KeyedText& operator=(const KeyedText&) = default;
  KeyedText& operator=(KeyedText&&) = default;
};

}  // namespace holdfast::object
