// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/rtc.hpp"

#include <algorithm>
#include <ctime>

#include "holdfast/app/options/date.hpp"
#include "holdfast/hw/host_clock.hpp"

namespace holdfast::app {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::string value_of(const Options& options, std::string_view key) {
  const auto found = std::ranges::find(options.rtc, key, &KeyValue::key);
  return found == options.rtc.end() ? std::string{} : found->value;
}

/// What the clock of the day shows as the machine begins: nanoseconds since 1970.
std::uint64_t first_instant(const Options& options) {
  if (clock_pace(options) == hw::VirtualClock::Pace::kStepped)
    return hw::HostClock::kDayOfSteppedMachines * kSecond;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Nanoseconds that `base` is ahead of that clock.
std::int64_t ahead_ns(const std::string& base, std::uint64_t first) {
  if (base.empty() || base == "utc") return 0;
  if (base == "localtime") {
    const auto seconds = static_cast<std::time_t>(first / kSecond);
    std::tm local{};
    localtime_r(&seconds, &local);
    return local.tm_gmtoff * static_cast<std::int64_t>(kSecond);
  }
  // As clocks count, modulo 2^64: the last year is 2554.
  const auto date = parse_date(base);
  return date ? static_cast<std::int64_t>(static_cast<std::uint64_t>(*date) * kSecond - first) : 0;
}

}  // namespace

hw::VirtualClock::Pace clock_pace(const Options& options) {
  const bool stepped = options.accelerator == Accelerator::kQtest || options.threading == Threading::kSingle;
  return stepped ? hw::VirtualClock::Pace::kStepped : hw::VirtualClock::Pace::kHost;
}

devices::GoldfishRtc::Config rtc_config(const Options& options) {
  using Driver = devices::GoldfishRtc::Config::Driver;
  return {.ahead_ns = ahead_ns(value_of(options, "base"), first_instant(options)),
          .driver = value_of(options, "clock") == "vm" ? Driver::kMachine : Driver::kHost};
}

}  // namespace holdfast::app
