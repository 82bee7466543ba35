// SPDX-License-Identifier: Apache-2.0
// A back-end that keeps output in memory and is fed input by hand: for looking at a guest's console
// after the fact, by a monitor, and for tests.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/chardev/chardev.hpp"

namespace holdfast::chardev {

class RingBuffer final : public Chardev {
 public:
  static constexpr std::size_t kDefaultSize = 64 * 1024;
  /// What to do with output when `capacity` bytes are held.
  enum class Full : std::uint8_t {
    kForgetOldest,
    kRefuse,  // until take() makes room
  };
  RingBuffer(Common common, std::size_t capacity, Full full = Full::kForgetOldest)
      : Chardev{std::move(common)}, capacity_{capacity}, full_{full} {}
  explicit RingBuffer(std::string id, std::size_t capacity = kDefaultSize,
                      Full full = Full::kForgetOldest)
      : RingBuffer{Common{.id = std::move(id)}, capacity, full} {}

  std::string filename() const override { return "ringbuf"; }
  // Offers happen on the feeder's thread, outside of the device: at the next feed() or pump().
  void accept_input() override {}

  /// The output held, or its first `most` bytes, which are then forgotten. Inside nothing.
  std::string take(std::size_t most = std::string::npos);
  std::string peek() const;
  /// Input for the front end, which gets it now if it takes it, else with the next feed() or pump().
  /// Inside nothing.
  void feed(std::string_view input);
  /// Offers input that the front end has asked for since.
  void pump() { feed({}); }
  std::size_t input_left() const { return input_held(); }

 protected:
  std::size_t put(Bytes bytes) override;

 private:
  const std::size_t capacity_;
  const Full full_;
  mutable Mutex buffer_{LockRank::kLeaf, "ring buffer"};
  std::string output_ HF_GUARDED_BY(buffer_);
  bool refused_ HF_GUARDED_BY(buffer_) = false;
};

}  // namespace holdfast::chardev
