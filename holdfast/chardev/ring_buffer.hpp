// SPDX-License-Identifier: Apache-2.0
// A back-end that keeps output in memory and is fed input by hand: for tests, and for looking at a
// guest's console after the fact.
#pragma once

#include <string>
#include <string_view>

#include "holdfast/chardev/chardev.hpp"

namespace holdfast::chardev {

class RingBuffer final : public Chardev {
 public:
  /// What to do with output when `capacity` bytes are held.
  enum class Full : std::uint8_t {
    kForgetOldest,
    kRefuse,  // until take() makes room
  };
  RingBuffer(std::string id, std::size_t capacity = 64 * 1024, Full full = Full::kForgetOldest)
      : Chardev{std::move(id)}, capacity_{capacity}, full_{full} {}

  std::size_t write(Bytes bytes) override;
  void accept_input() override;

  /// The output held, which is then forgotten. Inside nothing.
  std::string take();
  std::string peek() const;
  /// Input for the front end, which gets it now if it takes it, else with the next feed() or pump().
  /// Inside nothing.
  void feed(std::string_view input);
  /// Offers input that the front end has asked for since.
  void pump() { feed({}); }
  void line_break();
  std::size_t input_left() const;

 private:
  const std::size_t capacity_;
  const Full full_;
  mutable Mutex buffers_{LockRank::kLeaf, "ring buffer"};
  std::string output_ HF_GUARDED_BY(buffers_);
  std::string input_ HF_GUARDED_BY(buffers_);
  bool refused_ HF_GUARDED_BY(buffers_) = false;
};

}  // namespace holdfast::chardev
