// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/date.hpp"

#include <algorithm>
#include <chrono>

namespace holdfast::app {
namespace {

bool has_shape(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() != 10 && text.size() != kShape.size()) return false;
  return std::ranges::equal(text, kShape.substr(0, text.size()), [](char c, char shape) {
    return shape == '0' ? c >= '0' && c <= '9' : c == shape;
  });
}

unsigned number(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (!has_shape(text)) return std::nullopt;
  const std::chrono::year_month_day day{
      std::chrono::year{static_cast<int>(number(text.substr(0, 4)))},
      std::chrono::month{number(text.substr(5, 2))}, std::chrono::day{number(text.substr(8, 2))}};
  if (!day.ok()) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days{day}.time_since_epoch().count() * std::int64_t{86'400};
  if (text.size() == 10) return seconds;
  const unsigned hour = number(text.substr(11, 2));
  const unsigned minute = number(text.substr(14, 2));
  const unsigned second = number(text.substr(17, 2));
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return seconds + static_cast<std::int64_t>((hour * 60 + minute) * 60 + second);
}

}  // namespace holdfast::app
