// SPDX-License-Identifier: Apache-2.0
// A conversation with a client at the other end of a character back-end: the bytes in, the bytes out.
// What a monitor or a test server has instead of a device's CharPort.
//
// The back-end offers input inside the conversation's gate, where nobody may wait. So it is only
// queued there, and handled afterwards on the same thread, inside nothing: a handler may wait for
// the control queue. Output that the back-end does not take at once is kept; while a client does not
// read what it was sent, nothing more is taken from it, and what was is not handled. What a client has
// sent is handled even if it has gone by then, unless input is held back or as many answers went to
// nobody as one that is there may leave unread: then nobody waits for the rest.
//
// THREADS: everything on the loop thread, or while nobody runs the loop. Owned by a server, which
// goes before the machine.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/event_loop.hpp"
#include "holdfast/chardev/chardev.hpp"
#include "holdfast/hw/claim.hpp"
#include "holdfast/hw/services.hpp"
#include "holdfast/object/handle.hpp"

namespace holdfast::control {

class Conversation final : public object::Expires {
 public:
  /// Called inside nothing.
  struct Handlers {
    std::function<void(std::string_view bytes)> input{};
    /// Descriptors that came with the bytes that are handled next. Without it they are closed.
    std::function<void(std::vector<Descriptor>)> descriptors{};
    std::function<void()> opened{};  // somebody is there
    std::function<void()> closed{};  // nobody any more
    std::function<void()> caught_up{};  // the client has read what made it be behind
    /// Where several share a back-end: whether what is typed comes here.
    std::function<void(bool mine)> focused{};
  };
  /// Error if the back-end is in use.
  static Result<std::unique_ptr<Conversation>> make(
      hw::Services& services, chardev::Chardev& backend, std::string path, Handlers handlers,
      chardev::Chardev::Focus focus = chardev::Chardev::Focus::kTake);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void send(std::string_view bytes);
  /// No input is handled while this is set: a request waits for something.
  void hold_input(bool hold);
  /// Whether the client leaves so much unread that nothing more is to be done for it until it has caught
  /// up or gone.
  bool is_behind() const { return clogged() || went_unread(); }
  /// Has `work` done on the loop thread, unless the conversation is over by then. From any thread.
  static void post(EventLoop& loop, const object::Handle<Conversation>& to,
                   std::function<void()> work);

 private:
  struct Item {
    enum class Kind : std::uint8_t { kInput, kOpened, kClosed, kFocused, kUnfocused } kind;
    std::string bytes{};
    std::vector<Descriptor> descriptors{};
  };

  Conversation(hw::Services& services, chardev::Chardev& backend, Handlers handlers);
  Result<void> open(hw::Services& services, std::string path, chardev::Chardev::Focus focus);
  std::size_t receive(chardev::Bytes bytes);
  /// Returns how many of the bytes the last piece of input, or a new one, has room for.
  std::size_t queue_piece(chardev::Bytes bytes);
  void note(Item::Kind kind);
  void schedule();
  void work();
  void forget_the_gone();
  void handle(Item item);
  bool clogged() const { return outgoing_.size() - sent_ >= kMostUnread; }
  bool went_unread() const { return unheard_ >= kMostUnread; }
  void pump();

  // Between two pieces it is seen whether the client still reads.
  static constexpr std::size_t kMostAtOnce = 512;  // bytes of input
  static constexpr std::size_t kMostQueued = std::size_t{1} << 20;  // bytes of input
  static constexpr std::size_t kMostUnread = std::size_t{1} << 20;  // bytes of output

  EventLoop& loop_;             // the machine's
  chardev::Chardev& backend_;   // the machine's
  const Handlers handlers_;
  Ref<gate::Gate> gate_;
  Ref<chardev::FrontEnd> front_;
  hw::Claim claim_;

  std::deque<Item> incoming_;
  std::size_t queued_ = 0;  // bytes in incoming_
  bool refused_ = false;    // the back-end has input that was not taken
  bool scheduled_ = false;
  bool caught_up_ = false;  // and nobody has been told
  bool held_ = false;
  std::string outgoing_;
  std::size_t sent_ = 0;     // bytes of outgoing_ that the back-end has taken
  std::size_t unheard_ = 0;  // bytes of output since the client came that the back-end took for nobody
};

}  // namespace holdfast::control
