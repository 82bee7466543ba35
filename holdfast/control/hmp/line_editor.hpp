// SPDX-License-Identifier: Apache-2.0
// A line that somebody types at a terminal: shown as it grows, changed anywhere, completed by Tab,
// with those that were typed before at the arrow keys. Keys in, bytes for the terminal out.
//
//   Ctrl-a Home · Ctrl-e End · Ctrl-b ← · Ctrl-f → · Ctrl-p ↑ · Ctrl-n ↓   where the cursor is, and which line
//   Backspace Ctrl-h · Ctrl-d Delete · Ctrl-w word · Ctrl-k to the end · Ctrl-u all    what goes
//   Tab completes · Ctrl-l clears the screen · Ctrl-c begins anew
//
// What is appended at the end is sent as it is, so that what a program sends in place of a person
// comes back as it came. Both ends of a line, \r and \n, end it; the two together end it once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::control::hmp {

/// What may stand at the end of a text, from `begin` on.
struct Completions {
  std::size_t begin = 0;
  std::vector<std::string> words{};  // whole ones; one that ends in '=' or '/' or ',' may go on
};

class LineEditor {
 public:
  static constexpr std::size_t kLongest = 4095;  // bytes of a line
  static constexpr std::size_t kMostRemembered = 100;

  struct Actions {
    std::function<void(std::string_view bytes)> send{};  // to the terminal
    std::function<void(std::string_view line)> line{};   // without its end; shows the prompt after it
    std::function<Completions(std::string_view before_cursor)> complete{};
  };
  LineEditor(std::string prompt, Actions actions)
      : prompt_{std::move(prompt)}, actions_{std::move(actions)} {}

  /// Stays whole while a line is acted upon.
  void feed(std::string_view bytes);
  void show_prompt();
  /// The line as it is, behind its prompt: something else was written meanwhile.
  void show_again();
  /// Forgets the line and what has come of a key; what was typed before stays.
  void begin_anew();
  /// Oldest first.
  const std::deque<std::string>& history() const { return history_; }

 private:
  enum class State : std::uint8_t { kPlain, kEscape, kSequence };

  void key(char c);
  void in_escape(char c);
  void in_sequence(char c);
  void insert(std::string_view text);
  void enter();
  void remember();
  void tab();
  void offer(const std::vector<std::string>& words);
  void move_to(std::size_t position);
  void erase(std::size_t from, std::size_t to);
  void go_through_history(bool older);
  void redraw();
  void send(std::string_view bytes) { actions_.send(bytes); }
  std::size_t before(std::size_t position) const;
  std::size_t behind(std::size_t position) const;
  std::size_t word_before(std::size_t position) const;

  const std::string prompt_;
  const Actions actions_;
  std::string line_;
  std::size_t cursor_ = 0;  // bytes before it
  State state_ = State::kPlain;
  std::string sequence_;    // of an escape sequence, behind its bracket
  bool after_return_ = false;
  std::deque<std::string> history_;
  std::size_t shown_ = 0;   // of history_; its size: the line in the making,
  std::string in_making_;   // which is kept here meanwhile
};

}  // namespace holdfast::control::hmp
