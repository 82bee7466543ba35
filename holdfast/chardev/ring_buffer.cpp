// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/ring_buffer.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::chardev {

std::size_t RingBuffer::write(Bytes bytes) {
  LockGuard guard{buffers_};
  std::size_t taken = bytes.size();
  if (full_ == Full::kRefuse) {
    taken = std::min(taken, capacity_ - output_.size());
    refused_ = refused_ || taken < bytes.size();
  }
  output_.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  if (output_.size() > capacity_) output_.erase(0, output_.size() - capacity_);
  return taken;
}

// Offers happen on the feeder's thread, outside of the device: at the next feed() or pump().
void RingBuffer::accept_input() {}

std::string RingBuffer::take() {
  std::string taken;
  bool refused = false;
  {
    LockGuard guard{buffers_};
    taken = std::exchange(output_, {});
    refused = std::exchange(refused_, false);
  }
  if (const auto device = front(); device && refused) device->tell_room();
  return taken;
}

std::string RingBuffer::peek() const {
  LockGuard guard{buffers_};
  return output_;
}

void RingBuffer::feed(std::string_view input) {
  std::string offered;
  {
    LockGuard guard{buffers_};
    input_ += input;
    offered = std::exchange(input_, {});
  }
  std::size_t taken = 0;
  if (const auto device = front(); device && !offered.empty())
    taken = device->offer({reinterpret_cast<const std::uint8_t*>(offered.data()), offered.size()});
  LockGuard guard{buffers_};
  input_.insert(0, offered, taken);
}

void RingBuffer::line_break() {
  if (const auto device = front()) device->tell_break();
}

std::size_t RingBuffer::input_left() const {
  LockGuard guard{buffers_};
  return input_.size();
}

}  // namespace holdfast::chardev
