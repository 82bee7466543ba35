// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/rtc.hpp"

#include <algorithm>
#include <ctime>

#include "holdfast/app/options/date.hpp"

namespace holdfast::app {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string value_of(const Options& options, std::string_view key) {
  const auto found = std::ranges::find(options.rtc, key, &KeyValue::key);
  return found == options.rtc.end() ? std::string{} : found->value;
}

/// Nanoseconds that `base` is ahead of UTC.
std::int64_t ahead_ns(const std::string& base) {
  if (base.empty() || base == "utc") return 0;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (base == "localtime") {
    std::tm local{};
    localtime_r(&now.tv_sec, &local);
    return local.tm_gmtoff * kSecond;
  }
  const auto date = parse_date(base);
  return date ? (*date - now.tv_sec) * kSecond - now.tv_nsec : 0;
}

}  // namespace

devices::GoldfishRtc::Config rtc_config(const Options& options) {
  using Driver = devices::GoldfishRtc::Config::Driver;
  return {.ahead_ns = ahead_ns(value_of(options, "base")),
          .driver = value_of(options, "clock") == "vm" ? Driver::kMachine : Driver::kHost};
}

}  // namespace holdfast::app
