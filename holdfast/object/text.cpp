// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <vector>

namespace holdfast::object {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view kSuffixes = "bkmgtpe";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<std::uint64_t> parse_digits(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> times(std::uint64_t count, std::uint64_t unit) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(count, unit, &product)) return std::nullopt;
  return product;
}

/// `digits` behind a decimal point, in bytes of `unit`, rounded down. `unit` is a power of two of at
/// most 2^60: the digits are consumed from the last to the first, each step dividing by ten.
std::optional<std::uint64_t> fraction_of(std::string_view digits, std::uint64_t unit) {
  if (digits.empty() || digits.size() > 18) return std::nullopt;
  const auto numerator = parse_digits(digits, 10);
  if (!numerator) return std::nullopt;
  std::uint64_t denominator = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) denominator *= 10;
  // Long division in base two, so that no product leaves 64 bits: denominator < 2^60.
  std::uint64_t bytes = 0;
  std::uint64_t rest = *numerator;
  for (std::uint64_t bit = unit / 2; bit != 0; bit /= 2) {
    rest *= 2;
    if (rest < denominator) continue;
    rest -= denominator;
    bytes += bit;
  }
  return bytes;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 4> kOn{"on", "yes", "true", "y"};
  constexpr std::array<std::string_view, 4> kOff{"off", "no", "false", "n"};
  if (std::ranges::find(kOn, text) != kOn.end()) return true;
  if (std::ranges::find(kOff, text) != kOff.end()) return false;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  if (text.size() > 2 && text[0] == '0' && lower(text[1]) == 'x')
    return parse_digits(text.substr(2), 16);
  if (text.size() > 2 && text[0] == '0' && lower(text[1]) == 'b')
    return parse_digits(text.substr(2), 2);
  if (text.size() > 1 && text[0] == '0') return parse_digits(text.substr(1), 8);
  return parse_digits(text, 10);
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto magnitude = parse_unsigned(text);
  constexpr auto kLimit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!magnitude || *magnitude > kLimit + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit) {
  if (const auto plain = parse_unsigned(text)) return times(*plain, unit);
  if (text.empty()) return std::nullopt;
  if (const auto suffix = kSuffixes.find(lower(text.back())); suffix != kSuffixes.npos) {
    unit = std::uint64_t{1} << (10 * suffix);
    text.remove_suffix(1);
  } else if (text.find('.') == text.npos) {
    return std::nullopt;
  }
  const auto point = text.find('.');
  const auto whole = parse_digits(text.substr(0, point), 10);
  if (!whole) return std::nullopt;
  const auto bytes = times(*whole, unit);
  if (!bytes || point == text.npos) return bytes;
  const auto part = fraction_of(text.substr(point + 1), unit);
  if (!part || *part > kMax - *bytes) return std::nullopt;
  return *bytes + *part;
}

std::string format_size(std::uint64_t bytes) {
  std::size_t suffix = 0;
  while (bytes != 0 && bytes % 1024 == 0 && suffix + 1 < kSuffixes.size()) {
    bytes /= 1024;
    ++suffix;
  }
  if (suffix == 0) return fmt::format("{}", bytes);
  return fmt::format("{}{}", bytes, static_cast<char>(kSuffixes[suffix] - 'a' + 'A'));
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;  // the distance takes quadratic time
  if (text.empty() || text.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = text.size() / 3 + 2;  // further away is no guess but a lottery
  for (const auto candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t d = distance(text, candidate);
    if (d >= best_distance || d >= candidate.size()) continue;
    best = candidate;
    best_distance = d;
  }
  return best;
}

}  // namespace holdfast::object
