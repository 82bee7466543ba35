// SPDX-License-Identifier: Apache-2.0
// A character back-end: where a serial line, or whatever else moves bytes, leads on the host.
//
// One front end at a time claims it; a *mux* has several, of which one has the focus and gets the
// input. Any number that only write may join. Output goes into the back-end's buffer, never to the
// host while the caller is inside a device; input is offered to the front end through its device's
// gate, and what it does not take waits. All host I/O is done on the loop thread.
// Owned by the machine; outlives the claims on it.
//
// LOCK: `mutex_` guards who is attached and the input that waits for each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/base/mutex.hpp"
#include "holdfast/base/ref.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/chardev/escape.hpp"
#include "holdfast/chardev/front_end.hpp"
#include "holdfast/chardev/output_log.hpp"
#include "holdfast/hw/claim.hpp"

namespace holdfast::chardev {

class Chardev {
 public:
  enum class Sharing : std::uint8_t {
    kExclusive,  // one front end
    kMux,        // any number; Ctrl-a is the escape key
  };
  /// What every back-end is made with.
  struct Common {
    std::string id{};
    Sharing sharing = Sharing::kExclusive;
    /// With kMux: what the escape key asks of the emulator, on the loop thread. Help, breaks, the
    /// focus and time stamps are seen to without it being asked.
    std::function<void(Command)> on_command{};
    std::unique_ptr<OutputLog> log{};  // gets a copy of all output
  };
  explicit Chardev(Common common);
  explicit Chardev(std::string id) : Chardev{Common{.id = std::move(id)}} {}
  virtual ~Chardev();
  Chardev(const Chardev&) = delete;
  Chardev& operator=(const Chardev&) = delete;

  const std::string& id() const { return common_.id; }
  /// Where it leads, as monitors show it: "null", "pty:/dev/pts/3", "unix:/tmp/s,server=on". On the
  /// loop thread, or while nobody runs the loop.
  virtual std::string filename() const = 0;

  /// Of a mux: whether somebody who joins gets the input at once. The first one always does.
  enum class Focus : std::uint8_t { kTake, kLeave };
  /// Makes `front` a front end for as long as the claim lives. Error if there is one already and this
  /// is no mux, naming it. One that does not receive is told of room and of how things stand, never
  /// has the focus, and is in nobody's way.
  Result<hw::Claim> attach(Ref<FrontEnd> front, Focus focus = Focus::kTake);
  bool is_attached() const;
  /// Whether it can have several front ends.
  bool is_mux() const { return escape_.has_value(); }
  /// Whether somebody is at the other end. From any thread.
  bool is_open() const { return open_.load(std::memory_order_acquire); }

  /// Whether what is written now is for somebody, not to be forgotten: who is at the other end may still
  /// be sending, and read no more. From any thread, inside a gate or not.
  virtual bool is_heard() const { return true; }

  /// Takes bytes into the buffer; returns how many. If not all, the front end is told when there is
  /// room again. What nobody is there to receive is taken and forgotten. From any thread, inside a
  /// gate or not.
  std::size_t write(Bytes bytes);
  /// The front end is ready for more input. From any thread, inside a gate or not.
  virtual void accept_input() = 0;
  /// An attached front end may be called from now on: it is told how things stand. On the loop
  /// thread, or while nobody runs the loop; inside nothing.
  void front_end_ready();
  /// Hands everything written so far to the host, waiting if it must. On the loop thread, or while
  /// nobody runs the loop; inside nothing.
  virtual void drain();
  /// A break, as if the other end had sent it. On the loop thread, inside nothing.
  void line_break() { tell_break(); }
  /// Forgets the input that `front` was offered and has not taken. On the loop thread, inside its gate
  /// or not.
  void discard_input(const FrontEnd& front);
  /// The oldest descriptor that came with the input and has not been taken. On the loop thread.
  virtual Descriptor take_descriptor() { return {}; }

 protected:
  /// Takes what fits; the rest is refused until tell_room().
  virtual std::size_t put(Bytes bytes) = 0;
  /// The escape key: time stamps on or off. On the loop thread.
  virtual void toggle_timestamps() {}

  // On the thread that the back-end lives on, inside nothing.

  /// Input from the host: escapes are obeyed, the rest is queued for whoever has the focus.
  void arrived(Bytes bytes);
  /// Offers what is queued.
  void offer_input();
  /// Bytes queued for whoever has the focus, or will have it.
  std::size_t input_held() const;
  void tell_room();
  void tell_break();
  /// To everybody who does not know it yet.
  void tell_standing();
  void set_open(bool open);

  /// The one with the focus, if there is one.
  Ref<FrontEnd> front() const;

 private:
  struct User {
    Ref<FrontEnd> front;
    std::vector<std::uint8_t> pending{};
  };

  void detach(const FrontEnd& front);
  void detach_writer(const FrontEnd& front);
  void obey(Command command);
  void next_focus();
  void offer_to(const Ref<FrontEnd>& front);
  /// Those that only write come last.
  std::vector<Ref<FrontEnd>> fronts() const;
  User* find(const FrontEnd& front) HF_REQUIRES(mutex_);
  std::vector<std::uint8_t>& queue_of_focus() HF_REQUIRES(mutex_);

  const Common common_;
  std::optional<EscapeParser> escape_;
  std::atomic<bool> open_{true};
  mutable Mutex mutex_{LockRank::kLeaf, "chardev"};
  std::vector<User> users_ HF_GUARDED_BY(mutex_);
  std::vector<Ref<FrontEnd>> writers_ HF_GUARDED_BY(mutex_);
  std::size_t focus_ HF_GUARDED_BY(mutex_) = 0;                     // of users_
  std::vector<std::uint8_t> unclaimed_ HF_GUARDED_BY(mutex_);  // input that came before anybody
};

/// Swallows everything and never says anything.
class NullChardev final : public Chardev {
 public:
  using Chardev::Chardev;
  std::string filename() const override { return "null"; }
  void accept_input() override {}

 protected:
  std::size_t put(Bytes bytes) override { return bytes.size(); }
};

}  // namespace holdfast::chardev
