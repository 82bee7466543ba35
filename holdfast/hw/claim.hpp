// SPDX-License-Identifier: Apache-2.0
// A claim: the right to a resource (an interrupt number, an address range, a back-end, a slot), for
// as long as it lives. The giver says how it is returned; the holder cannot forget to.
#pragma once

#include <functional>
#include <string>
#include <utility>

namespace holdfast::hw {

class [[nodiscard]] Claim {
 public:
  Claim() = default;
  /// `what` is for messages: "interrupt 10", "chardev 'serial0'". `give_back` runs once, on the
  /// thread that ends the claim.
  Claim(std::string what, std::move_only_function<void()> give_back)
      : what_{std::move(what)}, give_back_{std::move(give_back)} {}
  ~Claim() { release(); }
  Claim(Claim&& other) noexcept
      : what_{std::move(other.what_)}, give_back_{std::exchange(other.give_back_, {})} {}
  Claim& operator=(Claim&& other) noexcept {
    if (this == &other) return *this;
    release();
    what_ = std::move(other.what_);
    give_back_ = std::exchange(other.give_back_, {});
    return *this;
  }

  explicit operator bool() const { return static_cast<bool>(give_back_); }
  const std::string& what() const { return what_; }
  /// Ends it early.
  void release() {
    if (auto give_back = std::exchange(give_back_, {})) give_back();
  }

 private:
  std::string what_;
  std::move_only_function<void()> give_back_;
};

}  // namespace holdfast::hw
