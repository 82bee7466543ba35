// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/json.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "holdfast/control/qmp/json_stream.hpp"

namespace holdfast::app {
namespace {

constexpr std::size_t kDeepest = 32;

/// Called by the parser, value by value; so nothing is built that could be too deep to take apart.
class Flattener {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  Result<std::vector<KeyValue>> result() && {
    if (error_) return std::unexpected{std::move(*error_)};
    return std::move(items_);
  }

  bool null() { return refuse("it holds a null; leave the member out"); }
  bool boolean(bool value) { return scalar(value ? "on" : "off"); }
  bool number_integer(number_integer_t value) { return scalar(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) { return scalar(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) { return scalar(text); }
  bool string(string_t& text) { return scalar(text); }
  bool binary(binary_t&) { return refuse("it holds bytes"); }
  bool start_object(std::size_t) { return enter({.prefix = next_key(), .is_array = false}); }
  bool start_array(std::size_t) {
    if (levels_.empty()) return refuse("it is an array; it takes an object, {\"KEY\": VALUE}");
    return enter({.prefix = next_key(), .is_array = true});
  }
  bool end_object() { return leave(); }
  bool end_array() { return leave(); }
  bool key(string_t& name) {
    auto& names = levels_.back().names;
    if (std::ranges::find(names, name) != names.end())
      return refuse(fmt::format("member '{}' is there twice", name));
    names.push_back(name);
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
    return refuse(fmt::format("it is no JSON; what is wrong is at character {}", at));
  }

 private:
  struct Level {
    std::string prefix;
    bool is_array;
    std::size_t elements = 0;
    std::vector<std::string> names{};
  };

  bool refuse(std::string message) {
    if (!error_) error_ = Error{std::move(message)};
    return false;
  }
  std::string next_key() {
    if (levels_.empty()) return {};
    Level& level = levels_.back();
    const std::string name = level.is_array ? std::to_string(level.elements++) : level.names.back();
    return level.prefix.empty() ? name : level.prefix + "." + name;
  }
  bool scalar(std::string value) {
    if (levels_.empty()) return refuse("it is one value; it takes an object, {\"KEY\": VALUE}");
    items_.push_back({next_key(), std::move(value)});
    return true;
  }
  bool enter(Level level) {
    if (levels_.size() == kDeepest) return refuse(fmt::format("it is more than {} levels deep", kDeepest));
    levels_.push_back(std::move(level));
    return true;
  }
  bool leave() {
    levels_.pop_back();
    return true;
  }

  std::vector<KeyValue> items_;
  std::vector<Level> levels_;
  std::optional<Error> error_;
};

/// With its strings in double quotes, as monitors read what is in single ones.
Result<std::string> requoted(std::string_view text) {
  if (text.find('\'') == text.npos) return std::string{text};
  std::optional<Error> error;
  std::vector<std::string> values;
  control::JsonStream stream{
      {.bytes = 2 * text.size() + 2},
      {.value = [&](std::string_view value) { values.emplace_back(value); },
       .error = [&](std::string_view message) {
         if (!error) error = Error{fmt::format("it is no JSON: {}", message)};
       }}};
  stream.feed(text);
  stream.feed("\n");  // where it ends, if it is a word
  if (error) return std::unexpected{std::move(*error)};
  if (values.size() != 1) return fail("it is no JSON: it takes one object, {{'KEY': VALUE}}");
  return std::move(values.front());
}

}  // namespace

Result<std::vector<KeyValue>> parse_json_object(std::string_view text) {
  const std::string standard = TRY(requoted(text));
  Flattener flattener;
  nlohmann::json::sax_parse(standard, &flattener);
  return std::move(flattener).result();
}

std::optional<std::string> whole_number(std::string_view text, std::string_view member) {
  const auto object = nlohmann::json::parse(requoted(text).value_or(""), nullptr, false);
  const auto found = object.is_object() ? object.find(member) : object.end();
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->dump();
}

}  // namespace holdfast::app
