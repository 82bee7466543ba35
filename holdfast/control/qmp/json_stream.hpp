// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into JSON values, whatever separates them, and finds what can never become
// one as soon as it comes: a client that went wrong is answered at once, not when it is done.
//
// More than JSON is taken: strings in single quotes, which come out in double ones. After an error
// what follows is skipped up to an end of line or to where an object or a list begins.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::control {

class JsonStream {
 public:
  struct Limits {
    std::size_t bytes = std::size_t{64} << 20;  // of one value
    std::size_t depth = 1024;                   // of lists and objects in each other
  };
  struct Sink {
    std::function<void(std::string_view value)> value{};     // with standard quotes; else as it came
    std::function<void(std::string_view message)> error{};
  };
  JsonStream(Limits limits, Sink sink) : limits_{limits}, sink_{std::move(sink)} {}

  void feed(std::string_view bytes);
  /// Forgets what has come of a value that is not complete.
  void forget();
  std::size_t held() const { return value_.capacity(); }

 private:
  enum class State : std::uint8_t { kBetween, kIn, kScalar, kString, kEscape, kSkipping };

  void take(unsigned char byte);
  void between(unsigned char byte);
  void inside(unsigned char byte);
  void in_string(unsigned char byte);
  void begin_string(unsigned char quote);
  void open(unsigned char byte);
  void close(unsigned char byte);
  void complete();
  void wrong(std::string_view message);

  const Limits limits_;
  const Sink sink_;
  State state_ = State::kBetween;
  std::string value_;
  std::vector<char> open_;       // the brackets that are to come
  unsigned char quote_ = 0;      // of the string that is open
};

}  // namespace holdfast::control
