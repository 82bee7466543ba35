// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/qtest/commands.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "holdfast/control/text_coding.hpp"
#include "holdfast/hw/clock.hpp"

namespace holdfast::control {
namespace {

constexpr std::uint64_t kMostTransferred = std::uint64_t{64} << 20;  // bytes in one request
constexpr std::uint64_t kMostFilled = std::uint64_t{4} << 30;
constexpr std::uint64_t kMostTime = std::numeric_limits<std::int64_t>::max();

/// A number as strtoul and strtol read it with base 0, but the whole word must be one.
struct Number {
  bool negative = false;
  std::uint64_t magnitude = 0;
};
std::optional<Number> parse_signed(std::string_view word) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  int base = 10;
  if (word.starts_with("0x") || word.starts_with("0X")) {
    base = 16;
    word.remove_prefix(2);
  } else if (word.size() > 1 && word.starts_with('0')) {
    base = 8;
  }
  std::uint64_t value = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return Number{negative, value};
}

/// Modulo 2^64: -1 is all ones.
std::optional<std::uint64_t> parse_number(std::string_view word) {
  const auto number = parse_signed(word);
  if (!number) return std::nullopt;
  return number->negative ? 0 - number->magnitude : number->magnitude;
}

/// Times and levels have signs.
std::optional<std::int64_t> parse_time(std::string_view word) {
  const auto number = parse_signed(word);
  if (!number || number->magnitude > kMostTime + (number->negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(number->negative ? 0 - number->magnitude : number->magnitude);
}

/// For messages: short, and one line whatever came.
std::string shown(std::string_view word) {
  constexpr std::size_t kLongest = 64;
  std::string text;
  for (const char c : word.substr(0, kLongest)) text += c < 0x20 || c == 0x7f ? '?' : c;
  return word.size() > kLongest ? text + "..." : text;
}

std::string no_number(std::string_view word) {
  return fmt::format("ERR '{}' is no number", shown(word));
}

std::string outcome(const Result<void>& result) {
  return result ? "OK" : "FAIL " + result.error().message;
}

unsigned bytes_of_suffix(std::string_view name) {
  switch (name.back()) {
    case 'b': return 1;
    case 'w': return 2;
    case 'l': return 4;
    default: return 8;
  }
}

std::uint64_t in_order(std::uint64_t value, unsigned size, hw::Cpu::ByteOrder order) {
  return order == hw::Cpu::ByteOrder::kLittle ? value : __builtin_bswap64(value) >> (64 - 8 * size);
}

// A word that is not aligned is so many bytes: a device that does not take it as a whole is given it in
// pieces, where a CPU's access would be refused. Who answers, and whether anybody does: as on a bus.
std::uint64_t read_word(memory::Port& port, std::uint64_t address, unsigned size) {
  std::uint64_t value = 0;  // little-endian, as the host is
  if (address % size == 0)
    port.load(address, size, value, {});
  else
    port.read(address, std::as_writable_bytes(std::span{&value, 1}).first(size));
  return value;
}
void write_word(memory::Port& port, std::uint64_t address, unsigned size, std::uint64_t value) {
  if (address % size == 0)
    port.store(address, size, value, {});
  else
    port.write(address, std::as_bytes(std::span{&value, 1}).first(size));
}

std::uint64_t mask_of(unsigned size) { return ~std::uint64_t{0} >> (64 - 8 * size); }

/// Address and length of a request that moves bytes.
struct Block {
  std::uint64_t address;
  std::uint64_t length;
};
Result<Block> parse_block(std::span<const std::string_view> words, std::uint64_t least,
                          std::uint64_t most) {
  const auto address = parse_number(words[1]);
  if (!address) return fail("'{}' is no number", shown(words[1]));
  const auto length = parse_number(words[2]);
  if (!length) return fail("'{}' is no number", shown(words[2]));
  if (*length < least || *length > most)
    return fail("length {}: {} to {} bytes are possible", *length, least, most);
  return Block{*address, *length};
}

std::string error_of(const auto& result) { return "ERR " + result.error().message; }

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  if (line.ends_with('\r')) line.remove_suffix(1);
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

using C = QtestCommands;

}  // namespace

std::span<const QtestCommands::Row> QtestCommands::table() {
  static constexpr auto kTable = std::to_array<Row>({
      {"endianness", 0, 0, &C::endianness},
      {"outb", 2, 2, &C::port_out},
      {"outw", 2, 2, &C::port_out},
      {"outl", 2, 2, &C::port_out},
      {"inb", 1, 1, &C::port_in},
      {"inw", 1, 1, &C::port_in},
      {"inl", 1, 1, &C::port_in},
      {"writeb", 2, 2, &C::store},
      {"writew", 2, 2, &C::store},
      {"writel", 2, 2, &C::store},
      {"writeq", 2, 2, &C::store},
      {"readb", 1, 1, &C::load},
      {"readw", 1, 1, &C::load},
      {"readl", 1, 1, &C::load},
      {"readq", 1, 1, &C::load},
      {"read", 2, 2, &C::read},
      {"write", 3, 3, &C::write},
      {"memset", 3, 3, &C::fill},
      {"b64read", 2, 2, &C::read_base64},
      {"b64write", 3, 3, &C::write_base64},
      {"irq_intercept_in", 1, 1, &C::intercept_inputs},
      {"irq_intercept_out", 1, 2, &C::intercept_outputs},
      {"set_irq_in", 4, 4, &C::set_input},
      {"clock_step", 0, 1, &C::step_clock},
      {"clock_set", 1, 1, &C::set_clock},
      {"module_load", 2, 2, &C::load_module},
  });
  return kTable;
}

std::string QtestCommands::perform(std::string_view line) {
  const auto words = words_of(line);
  if (words.empty()) return {};
  const auto found = std::ranges::find(table(), words[0], &Row::name);
  if (found == table().end()) return fmt::format("FAIL Unknown command '{}'", shown(words[0]));
  if (words.size() - 1 < found->least || words.size() - 1 > found->most)
    return fmt::format("ERR {} takes {} words", found->name,
                       found->least == found->most
                           ? std::to_string(found->least)
                           : fmt::format("{} or {}", found->least, found->most));
  return (this->*found->perform)(words);
}

std::string QtestCommands::load_module(Words) { return "FAIL everything is built in; there are no modules"; }

std::string QtestCommands::endianness(Words) {
  return memory_.order() == hw::Cpu::ByteOrder::kLittle ? "OK little" : "OK big";
}

// No machine here has ports: writes go nowhere, and a bus that nobody drives reads as ones.
std::string QtestCommands::port_out(Words words) {
  for (const auto word : words.subspan(1))
    if (!parse_number(word)) return no_number(word);
  return "OK";
}

std::string QtestCommands::port_in(Words words) {
  if (!parse_number(words[1])) return no_number(words[1]);
  return fmt::format("OK 0x{:04x}", mask_of(bytes_of_suffix(words[0])));
}

std::string QtestCommands::store(Words words) {
  const auto address = parse_number(words[1]);
  if (!address) return no_number(words[1]);
  const auto value = parse_number(words[2]);
  if (!value) return no_number(words[2]);
  const unsigned size = bytes_of_suffix(words[0]);
  write_word(memory_.port(), *address, size, in_order(*value & mask_of(size), size, memory_.order()));
  return "OK";
}

std::string QtestCommands::load(Words words) {
  const auto address = parse_number(words[1]);
  if (!address) return no_number(words[1]);
  const unsigned size = bytes_of_suffix(words[0]);
  const std::uint64_t value = read_word(memory_.port(), *address, size);
  return fmt::format("OK 0x{:016x}", in_order(value, size, memory_.order()));
}

std::string QtestCommands::read(Words words) {
  const auto block = parse_block(words, 1, kMostTransferred);
  if (!block) return error_of(block);
  std::vector<std::byte> bytes(block->length);
  memory_.port().read(block->address, bytes);
  std::string reply = "OK 0x";
  append_hex(reply, bytes);
  return reply;
}

// Fewer digits than the length says: the rest is zero.
std::string QtestCommands::write(Words words) {
  const auto block = parse_block(words, 1, kMostTransferred);
  if (!block) return error_of(block);
  if (!words[3].starts_with("0x")) return "ERR the data begin with 0x";
  auto bytes = from_hex(words[3].substr(2));
  if (!bytes) return "ERR the data are not hexadecimal, two digits a byte";
  bytes->resize(block->length);
  memory_.port().write(block->address, *bytes);
  return "OK";
}

std::string QtestCommands::fill(Words words) {
  const auto block = parse_block(words, 0, kMostFilled);
  if (!block) return error_of(block);
  const auto pattern = parse_number(words[3]);
  if (!pattern) return no_number(words[3]);
  constexpr std::uint64_t kAtOnce = std::uint64_t{1} << 20;
  const std::vector<std::byte> bytes(std::min(block->length, kAtOnce),
                                     static_cast<std::byte>(*pattern & 0xffU));
  for (std::uint64_t done = 0; done < block->length; done += kAtOnce)
    memory_.port().write(block->address + done,
                         std::span{bytes}.first(std::min(kAtOnce, block->length - done)));
  return "OK";
}

std::string QtestCommands::read_base64(Words words) {
  const auto block = parse_block(words, 1, kMostTransferred);
  if (!block) return error_of(block);
  std::vector<std::byte> bytes(block->length);
  memory_.port().read(block->address, bytes);
  std::string reply = "OK ";
  append_base64(reply, bytes);
  return reply;
}

// Of a length and data that differ the shorter is written.
std::string QtestCommands::write_base64(Words words) {
  const auto block = parse_block(words, 1, kMostTransferred);
  if (!block) return error_of(block);
  const auto bytes = from_base64(words[3]);
  if (!bytes) return "ERR the data are not base 64";
  memory_.port().write(block->address,
                       std::span{*bytes}.first(std::min<std::size_t>(bytes->size(), block->length)));
  return "OK";
}

std::string QtestCommands::intercept_inputs(Words words) {
  return outcome(interception_.watch_inputs(words[1]));
}

std::string QtestCommands::intercept_outputs(Words words) {
  return outcome(interception_.watch_outputs(words[1], words.size() > 2 ? words[2] : ""));
}

std::string QtestCommands::set_input(Words words) {
  const auto line = parse_number(words[3]);
  if (!line) return no_number(words[3]);
  const auto level = parse_time(words[4]);
  if (!level) return no_number(words[4]);
  const auto device = device_at(machine_, words[1]);
  if (!device) return "FAIL " + device.error().message;
  const auto pin = input_line(**device, words[2], *line);
  if (!pin) return "FAIL " + pin.error().message;
  const bool again = *level != 0 && (*pin)->level();
  (*pin)->drive(*level != 0, machine_.services().holdback());
  if (again) interception_.driven_again(*line);
  return "OK";
}

// --- time ------------------------------------------------------------------------------------------

std::string QtestCommands::go_on_to(std::uint64_t time_ns) {
  hw::VirtualClock& clock = machine_.clock();
  if (time_ns > clock.now_ns()) clock.step_to(time_ns);
  return fmt::format("OK {}", clock.now_ns());
}

std::string QtestCommands::step_clock(Words words) {
  hw::VirtualClock& clock = machine_.clock();
  if (time_ != Time::kTheClients)
    return fmt::format("FAIL Unknown command '{}'", words[0]);
  const std::uint64_t now = clock.now_ns();
  if (words.size() == 1) {
    const auto next = clock.next_deadline_ns();
    return go_on_to(next && *next <= kMostTime ? *next : now);
  }
  const auto by = parse_time(words[1]);
  if (!by) return no_number(words[1]);
  if (*by < 0 || static_cast<std::uint64_t>(*by) > kMostTime - now)
    return fmt::format("ERR {}: time goes forwards, as far as {}", *by, kMostTime);
  return go_on_to(now + static_cast<std::uint64_t>(*by));
}

std::string QtestCommands::set_clock(Words words) {
  if (time_ != Time::kTheClients)
    return fmt::format("FAIL Unknown command '{}'", words[0]);
  const auto time = parse_time(words[1]);
  if (!time) return no_number(words[1]);
  return go_on_to(static_cast<std::uint64_t>(std::max<std::int64_t>(*time, 0)));
}

}  // namespace holdfast::control
