// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/chardev.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/schedule_point.hpp"

namespace holdfast::chardev {
namespace {

constexpr std::string_view kHelp =
    "\r\n"
    "Ctrl-a h    this help\r\n"
    "Ctrl-a x    end the emulator\r\n"
    "Ctrl-a s    write to disks what is held back\r\n"
    "Ctrl-a t    time stamps on or off\r\n"
    "Ctrl-a b    send a break\r\n"
    "Ctrl-a c    switch between the console and the monitor\r\n"
    "Ctrl-a Ctrl-a  send Ctrl-a\r\n";

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Chardev::Chardev(Common common) : common_{std::move(common)} {
  if (common_.sharing == Sharing::kMux) escape_.emplace();
  if (common_.log) common_.log->set_on_room([this] { tell_room(); });
}

Chardev::~Chardev() { HF_CHECK(!is_attached(), "chardev '{}': destroyed while in use", id()); }

// --- who is attached -------------------------------------------------------------------------------

Result<hw::Claim> Chardev::attach(Ref<FrontEnd> front, Focus focus) {
  const FrontEnd& who = *front;
  LockGuard guard{mutex_};
  if (!front->receives()) {
    writers_.push_back(std::move(front));
    return hw::Claim{"output to chardev '" + id() + "'", [this, &who] { detach_writer(who); }};
  }
  if (!users_.empty() && !is_mux())
    return fail("chardev '{}' is in use by {}", id(), users_.front().front->path());
  if (focus == Focus::kTake) focus_ = users_.size();
  users_.push_back({.front = std::move(front), .pending = std::exchange(unclaimed_, {})});
  return hw::Claim{"chardev '" + id() + "'", [this, &who] { detach(who); }};
}

void Chardev::detach(const FrontEnd& front) {
  {
    LockGuard guard{mutex_};
    const auto found =
        std::ranges::find(users_, &front, [](const User& user) { return user.front.get(); });
    const auto index = static_cast<std::size_t>(found - users_.begin());
    users_.erase(found);
    // The focus stays with who has it, or goes back to who came before.
    if (focus_ >= index && focus_ != 0) --focus_;
  }
  if (is_mux()) accept_input();  // whoever has the focus now is to be told
}

void Chardev::detach_writer(const FrontEnd& front) {
  LockGuard guard{mutex_};
  std::erase_if(writers_, [&front](const auto& writer) { return writer.get() == &front; });
}

bool Chardev::is_attached() const {
  LockGuard guard{mutex_};
  return !users_.empty() || !writers_.empty();
}

Ref<FrontEnd> Chardev::front() const {
  LockGuard guard{mutex_};
  return users_.empty() ? Ref<FrontEnd>{} : users_[focus_].front;
}

std::vector<Ref<FrontEnd>> Chardev::fronts() const {
  LockGuard guard{mutex_};
  std::vector<Ref<FrontEnd>> fronts;
  for (const User& user : users_) fronts.push_back(user.front);
  fronts.insert(fronts.end(), writers_.begin(), writers_.end());
  return fronts;
}

Chardev::User* Chardev::find(const FrontEnd& front) {
  const auto found = std::ranges::find(users_, &front, [](const User& user) { return user.front.get(); });
  return found == users_.end() ? nullptr : &*found;
}

std::vector<std::uint8_t>& Chardev::queue_of_focus() {
  return users_.empty() ? unclaimed_ : users_[focus_].pending;
}

void Chardev::tell_standing() {
  const auto focus = is_mux() ? front() : Ref<FrontEnd>{};
  for (const auto& front : fronts()) {
    HF_SCHEDULE_POINT("chardev.before_event");
    front->tell_standing({.open = is_open(), .focused = front == focus});
  }
}

void Chardev::front_end_ready() {
  tell_standing();
  accept_input();
}

void Chardev::set_open(bool open) {
  open_.store(open, std::memory_order_release);
  tell_standing();
}

// --- output ----------------------------------------------------------------------------------------

std::size_t Chardev::write(Bytes bytes) {
  if (!common_.log) return put(bytes);
  const std::size_t taken = put(bytes.first(common_.log->room(bytes.size())));
  common_.log->append(bytes.first(taken));
  return taken;
}

void Chardev::drain() {
  if (common_.log) common_.log->flush();
}

void Chardev::tell_room() {
  for (const auto& front : fronts()) {
    HF_SCHEDULE_POINT("chardev.before_room");
    front->tell_room();
  }
}

// --- input -----------------------------------------------------------------------------------------

void Chardev::arrived(Bytes bytes) {
  if (!escape_) {
    LockGuard guard{mutex_};
    auto& queue = queue_of_focus();
    queue.insert(queue.end(), bytes.begin(), bytes.end());
    return;
  }
  EscapeParser& escape = *escape_;
  for (const std::uint8_t byte : bytes) {
    const auto parsed = escape.parse(byte);
    if (parsed.byte) {
      LockGuard guard{mutex_};
      queue_of_focus().push_back(*parsed.byte);
    }
    if (parsed.command) obey(*parsed.command);
  }
}

void Chardev::obey(Command command) {
  switch (command) {
    case Command::kHelp: write(bytes_of(kHelp)); break;
    case Command::kBreak:
      offer_input();  // what was typed before it comes before it
      tell_break();
      break;
    case Command::kNextFocus: next_focus(); break;
    case Command::kTimestamps: toggle_timestamps(); break;
    case Command::kQuit:
    case Command::kSave:
      if (common_.on_command) common_.on_command(command);
  }
}

void Chardev::next_focus() {
  offer_input();
  {
    LockGuard guard{mutex_};
    if (!users_.empty()) focus_ = (focus_ + 1) % users_.size();
  }
  tell_standing();
}

void Chardev::offer_input() {
  for (const auto& front : fronts()) offer_to(front);
}

void Chardev::offer_to(const Ref<FrontEnd>& front) {
  std::vector<std::uint8_t> offered;
  {
    LockGuard guard{mutex_};
    if (User* user = find(*front)) offered.swap(user->pending);
  }
  if (offered.empty()) return;
  HF_SCHEDULE_POINT("chardev.before_offer");
  const std::size_t taken = front->offer(offered);
  LockGuard guard{mutex_};
  User* user = find(*front);
  if (user == nullptr) return;  // it went, and what was typed for it with it
  user->pending.insert(user->pending.begin(),
                       offered.begin() + static_cast<std::ptrdiff_t>(taken), offered.end());
}

void Chardev::discard_input(const FrontEnd& front) {
  LockGuard guard{mutex_};
  if (User* user = find(front)) user->pending.clear();
}

std::size_t Chardev::input_held() const {
  LockGuard guard{mutex_};
  return users_.empty() ? unclaimed_.size() : users_[focus_].pending.size();
}

void Chardev::tell_break() {
  if (const auto to = front()) to->tell_break();
}

}  // namespace holdfast::chardev
