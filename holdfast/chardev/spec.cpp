// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>
#include <variant>

#include "holdfast/object/text.hpp"

namespace holdfast::chardev {
namespace {

// --- keys ------------------------------------------------------------------------------------------

/// Sets one property; the error says what it takes.
using Setter = Result<void> (*)(Spec&, std::string_view);

enum class Shape : std::uint8_t { kSwitch, kText, kNumber, kSize };

struct Key {
  std::string_view name;
  Shape shape;
  std::string_view help;
  Setter set;
};

Result<bool> read_switch(std::string_view text) {
  const auto value = object::parse_bool(text);
  if (!value) return fail("is '{}'; it takes on or off", text);
  return *value;
}

template <auto Member>
Result<void> set_switch(Spec& spec, std::string_view text) {
  spec.*Member = TRY(read_switch(text));
  return {};
}

template <auto Member>
Result<void> set_address_switch(Spec& spec, std::string_view text) {
  spec.address.*Member = TRY(read_switch(text));
  return {};
}

template <auto Member>
Result<void> set_text(Spec& spec, std::string_view text) {
  if (text.empty()) return fail("is empty");
  spec.*Member = text;
  return {};
}

Result<void> set_socket_path(Spec& spec, std::string_view text) {
  if (text.empty()) return fail("is empty; it takes the path of a socket");
  spec.address.path = text;
  return {};
}

Result<void> set_host(Spec& spec, std::string_view text) {
  spec.address.host = text;
  return {};
}

Result<void> set_port(Spec& spec, std::string_view text) {
  if (text.empty()) return fail("is empty; it takes a number or the name of a service");
  const bool number = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const auto port = object::parse_unsigned(text);
  if (number && (!port || *port > std::numeric_limits<std::uint16_t>::max()))
    return fail("is '{}'; it takes a number from 0 to 65535 or the name of a service", text);
  spec.address.port = text;
  return {};
}

Result<void> set_last_port(Spec& spec, std::string_view text) {
  const auto port = object::parse_unsigned(text);
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max())
    return fail("is '{}'; it takes a port from 1 to 65535", text);
  spec.address.to = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> set_descriptor(Spec& spec, std::string_view text) {
  const auto number = object::parse_unsigned(text);
  if (!number || *number > std::numeric_limits<int>::max())
    return fail("is '{}'; it takes the number of an open descriptor", text);
  spec.address.descriptor = static_cast<int>(*number);
  return {};
}

Result<void> set_delay(Spec& spec, std::string_view text) {
  spec.no_delay = !TRY(read_switch(text));
  return {};
}

Result<void> set_reconnect(Spec& spec, std::string_view text) {
  const auto seconds = object::parse_unsigned(text);
  if (!seconds || *seconds > 86'400)
    return fail("is '{}'; it takes a number of seconds from 0, never, to 86400", text);
  spec.reconnect_s = *seconds;
  return {};
}

Result<void> set_size(Spec& spec, std::string_view text) {
  const auto size = object::parse_size(text);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30U;
  if (!size || !std::has_single_bit(*size) || *size > kMost)
    return fail("is '{}'; it takes a power of two up to 1G", text);
  spec.size = *size;
  return {};
}

/// A property that stands for something that is not here; only "off" is taken.
Result<void> only_off(Spec&, std::string_view text) {
  if (TRY(read_switch(text))) return fail("is on; only off is there");
  return {};
}

constexpr std::array kCommonKeys{
    Key{"mux", Shape::kSwitch, "several front ends share it; Ctrl-a is the escape key",
        &set_switch<&Spec::mux>},
    Key{"logfile", Shape::kText, "a file that gets a copy of the output", &set_text<&Spec::logfile>},
    Key{"logappend", Shape::kSwitch, "what is in the log file stays",
        &set_switch<&Spec::log_append>},
};
constexpr std::array kStdioKeys{Key{"signal", Shape::kSwitch, "control-C interrupts (on)",
                                    &set_switch<&Spec::signal>}};
constexpr std::array kFileKeys{
    Key{"path", Shape::kText, "the file for output", &set_text<&Spec::path>},
    Key{"append", Shape::kSwitch, "what is in the file stays", &set_switch<&Spec::append>},
    Key{"input-path", Shape::kText, "a file for input", &set_text<&Spec::input_path>}};
constexpr std::array kPipeKeys{Key{
    "path", Shape::kText, "a FIFO, or PATH.in and PATH.out, two of them", &set_text<&Spec::path>}};
constexpr std::array kSerialKeys{
    Key{"path", Shape::kText, "a terminal of the host, as /dev/ttyS0", &set_text<&Spec::path>}};
constexpr std::array kRingKeys{
    Key{"size", Shape::kSize, "a power of two (64K)", &set_size}};
constexpr std::array kSocketKeys{
    Key{"path", Shape::kText, "of a unix socket", &set_socket_path},
    Key{"abstract", Shape::kSwitch, "the path is a name without a file",
        &set_address_switch<&SocketAddress::abstract>},
    Key{"tight", Shape::kSwitch, "the abstract name is not filled up with zeros (on)",
        &set_address_switch<&SocketAddress::tight>},
    Key{"host", Shape::kText, "name or number", &set_host},
    Key{"port", Shape::kText, "number or service", &set_port},
    Key{"to", Shape::kNumber, "the last port to try to listen on", &set_last_port},
    Key{"ipv4", Shape::kSwitch, "", &set_address_switch<&SocketAddress::ipv4>},
    Key{"ipv6", Shape::kSwitch, "", &set_address_switch<&SocketAddress::ipv6>},
    Key{"fd", Shape::kNumber, "an open socket", &set_descriptor},
    Key{"server", Shape::kSwitch, "listen (off)", &set_switch<&Spec::server>},
    Key{"wait", Shape::kSwitch, "a server starts with its first client (on)",
        &set_switch<&Spec::wait>},
    Key{"nodelay", Shape::kSwitch, "send at once what is written", &set_switch<&Spec::no_delay>},
    Key{"delay", Shape::kSwitch, "the opposite of nodelay", &set_delay},
    Key{"reconnect", Shape::kNumber, "a client tries again every so many seconds (0: never)",
        &set_reconnect},
    Key{"telnet", Shape::kSwitch, "only off", &only_off},
    Key{"websocket", Shape::kSwitch, "only off", &only_off},
};

struct Kind {
  std::string_view name;
  Backend backend;
  std::string_view help;
  std::span<const Key> keys;
};
constexpr std::array kKinds{
    Kind{"file", Backend::kFile, "a file", kFileKeys},
    Kind{"null", Backend::kNull, "swallows output, has no input", {}},
    Kind{"pipe", Backend::kPipe, "named pipes", kPipeKeys},
    Kind{"pty", Backend::kPty, "a pseudo-terminal of its own", {}},
    Kind{"ringbuf", Backend::kRingBuffer, "output kept in memory", kRingKeys},
    Kind{"memory", Backend::kRingBuffer, "the same", kRingKeys},
    Kind{"serial", Backend::kSerial, "a terminal of the host", kSerialKeys},
    Kind{"tty", Backend::kSerial, "the same", kSerialKeys},
    Kind{"socket", Backend::kSocket, "a unix or TCP socket, server or client", kSocketKeys},
    Kind{"stdio", Backend::kStdio, "standard input and output", kStdioKeys},
};

/// Names that others know, and why they are not here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kAbsent{{
    {"vc", "there is no display to show it in"},
    {"mux", "to share a back-end give it mux=on"},
    {"udp", "a console needs every byte, in order; socket has TCP"},
}};

std::string kind_names() {
  std::string names;
  for (const Kind& kind : kKinds) names += (names.empty() ? "" : ", ") + std::string{kind.name};
  return names;
}

Result<const Kind*> find_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &Kind::name);
  if (found != kKinds.end()) return &*found;
  const auto absent = std::ranges::find(kAbsent, name, [](const auto& pair) { return pair.first; });
  if (absent != kAbsent.end()) return fail("there is no back-end '{}': {}", name, absent->second);
  return fail("there is no back-end '{}'; there are {}", name, kind_names());
}

const Key* find_key(const Kind& kind, std::string_view name) {
  for (const auto keys : {kind.keys, std::span<const Key>{kCommonKeys}}) {
    const auto found = std::ranges::find(keys, name, &Key::name);
    if (found != keys.end()) return &*found;
  }
  return nullptr;
}

std::string key_names(const Kind& kind) {
  std::string names = "id";
  for (const auto keys : {kind.keys, std::span<const Key>{kCommonKeys}})
    for (const Key& key : keys) names += fmt::format(", {}", key.name);
  return names;
}

Result<void> set(Spec& spec, const Kind& kind, const std::string& name, const std::string& value) {
  if (name == "id") {
    spec.id = value;
    return {};
  }
  const Key* key = find_key(kind, name);
  if (key == nullptr)
    return fail("{}: there is no '{}'; there are {}", kind.name, name, key_names(kind));
  if (auto done = key->set(spec, value); !done)
    return fail("{}: {} {}", kind.name, name, done.error().message);
  return {};
}

// --- what fits together ----------------------------------------------------------------------------

Result<void> check_socket(Spec& spec) {
  SocketAddress& address = spec.address;
  const int given = (address.path.empty() ? 0 : 1) + (address.port.empty() ? 0 : 1) +
                    (address.descriptor < 0 ? 0 : 1);
  if (given != 1)
    return fail("socket: it takes one of path (a unix socket), host and port (TCP), and fd");
  if (!address.host.empty() && address.port.empty())
    return fail("socket: host without port; TCP takes both");
  address.kind = !address.path.empty()   ? SocketAddress::Kind::kUnix
                 : !address.port.empty() ? SocketAddress::Kind::kInternet
                                         : SocketAddress::Kind::kDescriptor;
  if (!spec.server) {
    if (address.to) return fail("socket: to is for a server; it takes server=on, too");
    spec.wait = false;
    return {};
  }
  if (spec.reconnect_s != 0)
    return fail("socket: reconnect is for a client; a server takes whoever comes");
  return {};
}

Result<void> check(Spec& spec) {
  if (spec.backend == Backend::kSocket) return check_socket(spec);
  const bool needs_path = spec.backend == Backend::kFile || spec.backend == Backend::kPipe ||
                          spec.backend == Backend::kSerial;
  if (needs_path && spec.path.empty())
    return fail("{}: there is no path; it takes path=PATH", to_string(spec.backend));
  return {};
}

bool well_formed_id(std::string_view id) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !id.empty() && letter(id.front()) && std::ranges::all_of(id, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

const Kind& kind_of(Backend backend) {
  return *std::ranges::find(kKinds, backend, &Kind::backend);
}

const std::string* find_property(const Properties& properties, std::string_view name) {
  const auto found = std::ranges::find(properties, name, &Properties::value_type::first);
  return found == properties.end() ? nullptr : &found->second;
}

Result<Spec> spec_without_id(const Properties& properties) {
  const std::string* name = find_property(properties, "backend");
  if (name == nullptr) return fail("chardev: there is no backend; there are {}", kind_names());
  const Kind& kind = *TRY(find_kind(*name));
  Spec spec{.backend = kind.backend};
  for (const auto& [key, value] : properties)
    if (key != "backend") TRY(set(spec, kind, key, value));
  TRY(check(spec));
  return spec;
}

std::string help_of(const Kind& kind) {
  std::string text = fmt::format("-chardev {},id=ID: {}\n", kind.name, kind.help);
  constexpr std::array<std::string_view, 4> kShapes{"on|off", "TEXT", "NUMBER", "SIZE"};
  for (const auto keys : {kind.keys, std::span<const Key>{kCommonKeys}})
    for (const Key& key : keys)
      text += fmt::format("  {:<20}{}\n",
                          fmt::format("{}={}", key.name, kShapes[static_cast<std::size_t>(key.shape)]),
                          key.help);
  return text;
}

}  // namespace

std::string_view to_string(Backend backend) {
  if (backend == Backend::kNone) return "none";
  if (backend == Backend::kReference) return "chardev";
  return kind_of(backend).name;
}

Result<Spec> spec_from(const Properties& properties) {
  Spec spec = TRY(spec_without_id(properties));
  if (spec.id.empty()) return fail("{}: there is no id; it takes id=NAME", to_string(spec.backend));
  if (!well_formed_id(spec.id))
    return fail("{}: id '{}' is no name; it begins with a letter and goes on with letters, digits "
                "and any of -_.",
                to_string(spec.backend), spec.id);
  return spec;
}

Result<Spec> parse_chardev(std::string_view text) { return spec_from(TRY(take_apart(text))); }

Result<Spec> parse_legacy(std::string_view text) {
  const auto properties = TRY(take_short_form_apart(text));
  const std::string& backend = properties.front().second;
  if (backend == "none") return Spec{.backend = Backend::kNone};
  if (backend == "chardev")
    return Spec{.backend = Backend::kReference, .id = properties.back().second};
  return spec_without_id(properties);
}

std::string backends_help() {
  std::string list = "what -chardev takes:\n";
  for (const Kind& kind : kKinds) list += fmt::format("  {:<14}{}\n", kind.name, kind.help);
  return list += "-chardev BACKEND,help lists what one takes\n";
}

Result<std::string> backend_help(std::string_view name) { return help_of(*TRY(find_kind(name))); }

}  // namespace holdfast::chardev
