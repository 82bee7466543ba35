// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/conversation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::control {

Result<std::unique_ptr<Conversation>> Conversation::make(hw::Services& services,
                                                         chardev::Chardev& backend,
                                                         std::string path, Handlers handlers,
                                                         chardev::Chardev::Focus focus) {
  std::unique_ptr<Conversation> made{new Conversation{services, backend, std::move(handlers)}};
  TRY(made->open(services, std::move(path), focus));
  return made;
}

Conversation::Conversation(hw::Services& services, chardev::Chardev& backend, Handlers handlers)
    : loop_{services.loop()}, backend_{backend}, handlers_{std::move(handlers)} {}

Result<void> Conversation::open(hw::Services& services, std::string path,
                                chardev::Chardev::Focus focus) {
  gate_ = gate::Gate::make(services.realm(), path);
  chardev::FrontEnd::Handlers handlers;
  handlers.receive = [this](chardev::Bytes bytes) { return receive(bytes); };
  handlers.room = [this] { pump(); };
  handlers.event = [this](chardev::Event event) {
    switch (event) {
      case chardev::Event::kOpened: return note(Item::Kind::kOpened);
      case chardev::Event::kClosed: return note(Item::Kind::kClosed);
      case chardev::Event::kFocusGained: return note(Item::Kind::kFocused);
      case chardev::Event::kFocusLost: return note(Item::Kind::kUnfocused);
    }
  };
  front_ = chardev::FrontEnd::make(gate_, services.holdback(), std::move(path), std::move(handlers));
  claim_ = TRY(backend_.attach(front_, focus));
  gate_->open();
  backend_.front_end_ready();
  return {};
}

Conversation::~Conversation() {
  expire_handles();
  if (front_) front_->drop();
  claim_.release();
  if (gate_) gate_->close();
}

// Inside the gate.
std::size_t Conversation::receive(chardev::Bytes bytes) {
  if (queued_ >= kMostQueued || clogged()) {
    refused_ = true;
    return 0;
  }
  std::vector<Descriptor> descriptors;
  while (Descriptor one = backend_.take_descriptor()) descriptors.push_back(std::move(one));
  if (!descriptors.empty())
    incoming_.push_back({.kind = Item::Kind::kInput, .descriptors = std::move(descriptors)});
  for (auto rest = bytes; !rest.empty();) rest = rest.subspan(queue_piece(rest));
  queued_ += bytes.size();
  schedule();
  return bytes.size();
}

std::size_t Conversation::queue_piece(chardev::Bytes bytes) {
  if (incoming_.empty() || incoming_.back().kind != Item::Kind::kInput ||
      incoming_.back().bytes.size() == kMostAtOnce)
    incoming_.push_back({.kind = Item::Kind::kInput});
  std::string& piece = incoming_.back().bytes;
  const auto fits = bytes.first(std::min(bytes.size(), kMostAtOnce - piece.size()));
  piece.append(fits.begin(), fits.end());
  return fits.size();
}

// Inside the gate. What the back-end has of a client that has gone, and was not taken, is for nobody.
void Conversation::note(Item::Kind kind) {
  if (kind == Item::Kind::kClosed) backend_.discard_input(*front_);
  incoming_.push_back({.kind = kind});
  schedule();
}

void Conversation::forget_the_gone() {
  const auto closed = std::ranges::find(incoming_.rbegin(), incoming_.rend(), Item::Kind::kClosed,
                                        &Item::kind);
  if (closed == incoming_.rend()) return;
  incoming_.erase(incoming_.begin(), std::prev(closed.base()));
  queued_ = 0;
  for (const Item& item : incoming_) queued_ += item.bytes.size();
  held_ = false;
  outgoing_.clear();  // which it did not read
  sent_ = 0;
}

void Conversation::schedule() {
  if (std::exchange(scheduled_, true)) return;
  post(loop_, object::Handle<Conversation>{*this}, [this] { work(); });
}

void Conversation::post(EventLoop& loop, const object::Handle<Conversation>& to,
                        std::function<void()> work) {
  // The conversation ends on the loop thread, so that whoever is there now stays there.
  loop.post([to, work = std::move(work)] {
    if (to) work();
  });
}

void Conversation::work() {
  scheduled_ = false;
  const object::Handle<Conversation> self{*this};
  if (held_ || clogged()) forget_the_gone();
  if (!clogged() && std::exchange(caught_up_, false) && handlers_.caught_up) handlers_.caught_up();
  if (!self) return;
  // As much as is queued now: what the handling brings in waits for the next turn of the loop.
  for (std::size_t left = incoming_.size(); left > 0 && !held_ && !clogged(); --left) {
    Item item = std::move(incoming_.front());
    incoming_.pop_front();
    queued_ -= item.bytes.size();
    handle(std::move(item));
    if (!self) return;
  }
  if (!incoming_.empty()) {
    if (!held_ && !clogged()) schedule();
    return;
  }
  if (std::exchange(refused_, false)) backend_.accept_input();
}

void Conversation::handle(Item item) {
  switch (item.kind) {
    case Item::Kind::kInput:
      if (went_unread()) return;
      if (handlers_.descriptors && !item.descriptors.empty())
        handlers_.descriptors(std::move(item.descriptors));
      if (handlers_.input) handlers_.input(item.bytes);
      return;
    case Item::Kind::kOpened:
      unheard_ = 0;
      if (handlers_.opened) handlers_.opened();
      return;
    case Item::Kind::kClosed:
      // Whoever comes next is not sent what was meant for another.
      outgoing_.clear();
      sent_ = 0;
      if (handlers_.closed) handlers_.closed();
      return;
    case Item::Kind::kFocused:
    case Item::Kind::kUnfocused:
      if (handlers_.focused) handlers_.focused(item.kind == Item::Kind::kFocused);
      return;
  }
}

void Conversation::hold_input(bool hold) {
  held_ = hold;
  if (!hold && !incoming_.empty()) schedule();
}

void Conversation::send(std::string_view bytes) {
  outgoing_ += bytes;
  pump();
}

void Conversation::pump() {
  const bool was_clogged = clogged();
  const std::size_t before = sent_;
  while (sent_ < outgoing_.size()) {
    const auto rest = std::string_view{outgoing_}.substr(sent_);
    const std::size_t taken = backend_.write(
        {reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size()});
    if (taken == 0) break;
    sent_ += taken;
  }
  if (!backend_.is_heard()) unheard_ += sent_ - before;
  if (sent_ == outgoing_.size()) {
    outgoing_.clear();
    sent_ = 0;
    if (outgoing_.capacity() > kMostUnread) outgoing_.shrink_to_fit();
  }
  if (was_clogged && !clogged()) {
    caught_up_ = true;
    schedule();
  }
}

}  // namespace holdfast::control
