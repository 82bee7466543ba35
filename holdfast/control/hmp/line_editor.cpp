// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/hmp/line_editor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace holdfast::control::hmp {
namespace {

constexpr char ctrl(char letter) { return static_cast<char>(letter & 0x1f); }
constexpr char kEscape = 0x1b;
constexpr char kDelete = 0x7f;
constexpr std::string_view kBell = "\a";
constexpr std::size_t kLongestSequence = 8;
constexpr std::size_t kColumns = 80;

/// Whether a byte goes on with a character that began before it (UTF-8).
bool goes_on(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !goes_on(c); }));
}

std::string common_beginning(const std::vector<std::string>& words) {
  std::string_view common = words.front();
  for (const std::string& word : words) {
    const auto [end, other] = std::ranges::mismatch(common, word);
    common = common.substr(0, static_cast<std::size_t>(end - common.begin()));
  }
  while (!common.empty() && std::ranges::any_of(words, [&](const std::string& word) {
    return word.size() > common.size() && goes_on(word[common.size()]);
  }))
    common.remove_suffix(1);
  return std::string{common};
}

}  // namespace

std::size_t LineEditor::before(std::size_t position) const {
  if (position == 0) return 0;
  --position;
  while (position != 0 && goes_on(line_[position])) --position;
  return position;
}

std::size_t LineEditor::behind(std::size_t position) const {
  if (position == line_.size()) return position;
  ++position;
  while (position != line_.size() && goes_on(line_[position])) ++position;
  return position;
}

std::size_t LineEditor::word_before(std::size_t position) const {
  while (position != 0 && line_[position - 1] == ' ') --position;
  while (position != 0 && line_[position - 1] != ' ') --position;
  return position;
}

// --- on the terminal -------------------------------------------------------------------------------

void LineEditor::show_prompt() { send(prompt_); }

void LineEditor::show_again() {
  send(prompt_);
  send(line_);
  if (const auto left = width(std::string_view{line_}.substr(cursor_)); left != 0)
    send(fmt::format("\x1b[{}D", left));
}

void LineEditor::redraw() {
  send("\r");
  send(prompt_);
  send(line_);
  send("\x1b[K");
  if (const auto left = width(std::string_view{line_}.substr(cursor_)); left != 0)
    send(fmt::format("\x1b[{}D", left));
}

// --- keys ------------------------------------------------------------------------------------------

void LineEditor::feed(std::string_view bytes) {
  for (const char c : bytes) key(c);
}

void LineEditor::key(char c) {
  if (state_ == State::kEscape) return in_escape(c);
  if (state_ == State::kSequence) return in_sequence(c);
  const bool second_half = std::exchange(after_return_, c == '\r') && c == '\n';
  switch (c) {
    case '\n':
    case '\r':
      if (!second_half) enter();
      return;
    case '\t': return tab();
    case kEscape: state_ = State::kEscape; return;
    case kDelete:
    case ctrl('h'): return erase(before(cursor_), cursor_);
    case ctrl('a'): return move_to(0);
    case ctrl('b'): return move_to(before(cursor_));
    case ctrl('c'):
      send("^C\r\n");
      begin_anew();
      return show_prompt();
    case ctrl('d'): return erase(cursor_, behind(cursor_));
    case ctrl('e'): return move_to(line_.size());
    case ctrl('f'): return move_to(behind(cursor_));
    case ctrl('k'): return erase(cursor_, line_.size());
    case ctrl('l'):
      send("\x1b[H\x1b[2J");
      return redraw();
    case ctrl('n'): return go_through_history(false);
    case ctrl('p'): return go_through_history(true);
    case ctrl('u'): return erase(0, line_.size());
    case ctrl('w'): return erase(word_before(cursor_), cursor_);
    default:
      if (static_cast<unsigned char>(c) >= 0x20) insert({&c, 1});
  }
}

void LineEditor::in_escape(char c) {
  state_ = c == '[' || c == 'O' ? State::kSequence : State::kPlain;
  sequence_.clear();
}

void LineEditor::in_sequence(char c) {
  const bool ends = c >= 0x40 && c <= 0x7e;
  if (sequence_.size() < kLongestSequence) sequence_ += c;
  if (!ends) return;
  state_ = State::kPlain;
  if (sequence_ == "A") return go_through_history(true);
  if (sequence_ == "B") return go_through_history(false);
  if (sequence_ == "C") return move_to(behind(cursor_));
  if (sequence_ == "D") return move_to(before(cursor_));
  if (sequence_ == "H" || sequence_ == "1~" || sequence_ == "7~") return move_to(0);
  if (sequence_ == "F" || sequence_ == "4~" || sequence_ == "8~") return move_to(line_.size());
  if (sequence_ == "3~") return erase(cursor_, behind(cursor_));
}

// --- the line --------------------------------------------------------------------------------------

void LineEditor::insert(std::string_view text) {
  if (line_.size() + text.size() > kLongest) return send(kBell);
  const bool at_end = cursor_ == line_.size();
  line_.insert(cursor_, text);
  cursor_ += text.size();
  if (at_end) return send(text);
  redraw();
}

void LineEditor::move_to(std::size_t position) {
  if (position == cursor_) return;
  cursor_ = position;
  redraw();
}

void LineEditor::erase(std::size_t from, std::size_t to) {
  if (from == to) return;
  line_.erase(from, to - from);
  cursor_ = from;
  redraw();
}

void LineEditor::begin_anew() {
  line_.clear();
  cursor_ = 0;
  state_ = State::kPlain;
  shown_ = history_.size();
  in_making_.clear();
}

void LineEditor::enter() {
  send("\r\n");
  remember();
  const std::string line = std::exchange(line_, {});
  begin_anew();
  actions_.line(line);
}

void LineEditor::remember() {
  if (line_.find_first_not_of(' ') == line_.npos) return;
  if (!history_.empty() && history_.back() == line_) return;
  history_.push_back(line_);
  if (history_.size() > kMostRemembered) history_.pop_front();
}

void LineEditor::go_through_history(bool older) {
  if (older ? shown_ == 0 : shown_ == history_.size()) return;
  if (shown_ == history_.size()) in_making_ = line_;
  older ? --shown_ : ++shown_;
  line_ = shown_ == history_.size() ? in_making_ : history_[shown_];
  cursor_ = line_.size();
  redraw();
}

// --- completion ------------------------------------------------------------------------------------

void LineEditor::tab() {
  if (!actions_.complete) return;
  const auto [begin, words] = actions_.complete(std::string_view{line_}.substr(0, cursor_));
  if (words.empty() || begin > cursor_) return;
  std::string common = common_beginning(words);
  if (words.size() == 1 && !common.ends_with('=') && !common.ends_with('/') && !common.ends_with(','))
    common += ' ';
  const std::size_t typed = cursor_ - begin;
  if (common.size() > typed) return insert(std::string_view{common}.substr(typed));
  if (words.size() > 1) offer(words);
}

void LineEditor::offer(const std::vector<std::string>& words) {
  std::size_t longest = 0;
  for (const std::string& word : words) longest = std::max(longest, width(word));
  const std::size_t columns = std::max<std::size_t>(1, kColumns / (longest + 2));
  send("\r\n");
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = (i + 1) % columns == 0 || i + 1 == words.size();
    send(last ? words[i] + "\r\n" : fmt::format("{:<{}}", words[i], longest + 2));
  }
  show_again();
}

}  // namespace holdfast::control::hmp
