// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/places.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <utility>

namespace holdfast::hw {

Ref<Places> Places::make(std::string what, std::uint32_t count) {
  return Ref<Places>::adopt(new Places{std::move(what), count});
}

Result<Claim> Places::take(std::uint32_t number, std::string who) {
  if (number >= count_) return fail("{} is {}; {}", what_, number, free_text());
  std::string taker;
  {
    const LockGuard guard{mutex_};
    taker = takers_[number];
    if (taker.empty()) takers_[number] = std::move(who);
  }
  if (!taker.empty())
    return fail("{} {} is taken by {}; {}", what_, number, taker, free_text());
  return Claim{fmt::format("{} {}", what_, number),
               [self = Ref<Places>::share(this), number] { self->give_back(number); }};
}

void Places::give_back(std::uint32_t number) {
  const LockGuard guard{mutex_};
  takers_[number].clear();
}

std::optional<std::string> Places::taker(std::uint32_t number) const {
  const LockGuard guard{mutex_};
  if (number >= count_ || takers_[number].empty()) return std::nullopt;
  return takers_[number];
}

std::vector<std::uint32_t> Places::free() const {
  const LockGuard guard{mutex_};
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < count_; ++number)
    if (takers_[number].empty()) numbers.push_back(number);
  return numbers;
}

std::string Places::free_text() const {
  const auto numbers = free();
  return numbers.empty() ? std::string{"none is free"}
                         : fmt::format("it takes {}", fmt::join(numbers, ", "));
}

}  // namespace holdfast::hw
