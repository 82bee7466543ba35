// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/ring_buffer.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::chardev {

std::size_t RingBuffer::put(Bytes bytes) {
  LockGuard guard{buffer_};
  std::size_t taken = bytes.size();
  if (full_ == Full::kRefuse) {
    taken = std::min(taken, capacity_ - output_.size());
    refused_ = refused_ || taken < bytes.size();
  }
  output_.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  if (output_.size() > capacity_) output_.erase(0, output_.size() - capacity_);
  return taken;
}

std::string RingBuffer::take(std::size_t most) {
  std::string taken;
  bool refused = false;
  {
    LockGuard guard{buffer_};
    taken = output_.substr(0, most);
    output_.erase(0, most);
    refused = std::exchange(refused_, false);
  }
  if (refused) tell_room();
  return taken;
}

std::string RingBuffer::peek() const {
  LockGuard guard{buffer_};
  return output_;
}

void RingBuffer::feed(std::string_view input) {
  arrived({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()});
  offer_input();
}

}  // namespace holdfast::chardev
