// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/front_end.hpp"

#include <utility>

namespace holdfast::chardev {

Ref<FrontEnd> FrontEnd::make(Ref<gate::Gate> gate, hw::Holdback& holdback, std::string path,
                             Handlers handlers) {
  return Ref<FrontEnd>::adopt(
      new FrontEnd{std::move(gate), holdback, std::move(path), std::move(handlers)});
}

FrontEnd::FrontEnd(Ref<gate::Gate> gate, hw::Holdback& holdback, std::string path,
                   Handlers handlers)
    : gate_{std::move(gate)},
      holdback_{holdback},
      path_{std::move(path)},
      handlers_{std::move(handlers)} {}

template <class Function>
void FrontEnd::inside(const gate::Use& use, Function function) {
  const hw::OutsidePass pass{*gate_, use, holdback_, gate::Reentry::kAllow};
  if (!pass || !begin()) return;
  function();
  end();
}

std::size_t FrontEnd::offer(Bytes bytes) {
  static constexpr gate::Use kUse{"character input"};
  std::size_t taken = 0;
  waiting_.store(true, std::memory_order_release);  // if nobody comes in: until there is a device
  inside(kUse, [&] {
    taken = handlers_.receive(bytes);
    waiting_.store(taken < bytes.size(), std::memory_order_release);
  });
  return taken;
}

void FrontEnd::tell_room() {
  static constexpr gate::Use kUse{"character output"};
  if (handlers_.room) inside(kUse, [&] { handlers_.room(); });
}

void FrontEnd::tell_break() {
  static constexpr gate::Use kUse{"line break"};
  if (handlers_.line_break) inside(kUse, [&] { handlers_.line_break(); });
}

void FrontEnd::tell_standing(Standing now) {
  static constexpr gate::Use kUse{"character back-end event"};
  if (!handlers_.event || now == told_) return;
  inside(kUse, [&] {
    const Standing before = std::exchange(told_, now);
    if (before.focused && !now.focused) handlers_.event(Event::kFocusLost);
    if (before.open != now.open) handlers_.event(now.open ? Event::kOpened : Event::kClosed);
    if (!before.focused && now.focused) handlers_.event(Event::kFocusGained);
  });
}

bool FrontEnd::begin() {
  LockGuard guard{mutex_};
  if (dropped_) return false;
  ++running_;
  return true;
}

void FrontEnd::end() {
  LockGuard guard{mutex_};
  --running_;
  ran_.notify_all();
}

void FrontEnd::drop() {
  const bool inside = gate_->entered_by_me();
  LockGuard guard{mutex_};
  dropped_ = true;
  while (running_ != 0 && !inside) ran_.wait(mutex_);
}

}  // namespace holdfast::chardev
