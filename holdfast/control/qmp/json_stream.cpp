// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qmp/json_stream.hpp"

#include <utility>

namespace holdfast::control {
namespace {

bool is_space(unsigned char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}
bool is_structure(unsigned char byte) {
  return std::string_view{"{}[]:,"}.find(static_cast<char>(byte)) != std::string_view::npos;
}
bool is_quote(unsigned char byte) { return byte == '"' || byte == '\''; }
/// What words and numbers are made of.
bool is_scalar(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '+' || byte == '.';
}
/// Never part of UTF-8.
bool is_impossible(unsigned char byte) { return byte == 0xc0 || byte == 0xc1 || byte >= 0xf5; }

}  // namespace

void JsonStream::feed(std::string_view bytes) {
  for (const char byte : bytes) take(static_cast<unsigned char>(byte));
}

void JsonStream::forget() {
  value_ = std::string{};
  open_ = std::vector<char>{};
  state_ = State::kBetween;
}

void JsonStream::wrong(std::string_view message) {
  forget();
  state_ = State::kSkipping;
  sink_.error(message);
}

void JsonStream::take(unsigned char byte) {
  switch (state_) {
    case State::kSkipping:
      if (byte == '\n') state_ = State::kBetween;
      if (byte != '{' && byte != '[') return;
      state_ = State::kBetween;
      return between(byte);
    case State::kBetween:
      return between(byte);
    case State::kScalar:
      if (!is_space(byte) && !is_structure(byte) && !is_quote(byte)) return inside(byte);
      complete();
      return between(byte);
    case State::kIn:
      return inside(byte);
    case State::kString:
    case State::kEscape:
      return in_string(byte);
  }
}

void JsonStream::between(unsigned char byte) {
  if (is_space(byte)) return;
  state_ = is_structure(byte) || is_quote(byte) ? State::kIn : State::kScalar;
  inside(byte);
}

void JsonStream::inside(unsigned char byte) {
  if (value_.size() >= limits_.bytes) return wrong("the value is too long");
  if (is_quote(byte)) return begin_string(byte);
  if (byte == '{' || byte == '[') return open(byte);
  if (byte == '}' || byte == ']') return close(byte);
  if (open_.empty() && (byte == ':' || byte == ',')) return wrong("nothing is open here");
  if (!is_space(byte) && !is_structure(byte) && !is_scalar(byte))
    return wrong("a byte that no value has");
  value_ += static_cast<char>(byte);
}

void JsonStream::open(unsigned char byte) {
  if (open_.size() >= limits_.depth) return wrong("too many lists and objects in each other");
  open_.push_back(byte == '{' ? '}' : ']');
  value_ += static_cast<char>(byte);
}

void JsonStream::close(unsigned char byte) {
  if (open_.empty() || open_.back() != static_cast<char>(byte))
    return wrong("a bracket closes what it did not open");
  open_.pop_back();
  value_ += static_cast<char>(byte);
  if (open_.empty()) complete();
}

void JsonStream::complete() {
  std::string value;
  value.swap(value_);
  state_ = State::kBetween;
  sink_.value(value);
}

void JsonStream::begin_string(unsigned char quote) {
  quote_ = quote;
  state_ = State::kString;
  value_ += '"';
}

void JsonStream::in_string(unsigned char byte) {
  if (value_.size() >= limits_.bytes) return wrong("the value is too long");
  if (byte < 0x20) return wrong("a control character in a string");
  if (is_impossible(byte)) return wrong("a byte in a string that no character has");
  if (state_ == State::kEscape) {
    state_ = State::kString;
    if (byte == '\'') {
      value_.back() = '\'';  // instead of the backslash
      return;
    }
    value_ += static_cast<char>(byte);
    return;
  }
  if (byte == quote_) {
    value_ += '"';
    state_ = State::kIn;
    if (open_.empty()) complete();
    return;
  }
  if (byte == '\\') state_ = State::kEscape;
  if (byte == '"') value_ += '\\';  // in single quotes
  value_ += static_cast<char>(byte);
}

}  // namespace holdfast::control
