// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/short_chardev.hpp"

#include <array>

namespace holdfast::app {
namespace {

using Items = std::vector<KeyValue>;

constexpr std::string_view kAccepted =
    "stdio, mon:stdio, chardev:ID, file:FILE, unix:PATH, tcp:HOST:PORT, telnet:HOST:PORT, "
    "pipe:PATH, pty, ringbuf, null or none";

Result<Items> path_of(std::string_view backend, std::string_view path) {
  if (path.empty()) return fail("the path is empty; it takes {}:PATH", backend);
  return Items{{"backend", std::string{backend}}, {"path", std::string{path}}};
}

/// PATH[,KEY=VALUE…]
Result<Items> unix_socket(std::string_view rest) {
  auto items = TRY(parse_keyval(rest, "path", Words::kSwitches));
  if (items.empty() || items.front().key != "path" || items.front().value.empty())
    return fail("the path is empty; it takes unix:PATH");
  items.insert(items.begin(), {"backend", "socket"});
  return items;
}

/// [HOST]:PORT[,KEY=VALUE…]; a host that has colons stands in brackets.
Result<Items> tcp_socket(std::string_view rest) {
  auto items = TRY(parse_keyval(rest, "address", Words::kSwitches));
  const std::string address = items.empty() ? std::string{} : items.front().value;
  const auto colon = address.rfind(':');
  if (items.empty() || items.front().key != "address" || colon == address.npos ||
      colon + 1 == address.size())
    return fail("'{}' is no address; it takes HOST:PORT", address);
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  items.erase(items.begin());
  items.insert(items.begin(),
               {{"backend", "socket"}, {"host", host}, {"port", address.substr(colon + 1)}});
  return items;
}

Result<Items> items_of(std::string_view text) {
  for (const std::string_view word : {"stdio", "null", "pty", "ringbuf"})
    if (text == word) return Items{{"backend", std::string{word}}};
  const auto colon = text.find(':');
  const auto kind = text.substr(0, colon);
  const auto rest = colon == text.npos ? std::string_view{} : text.substr(colon + 1);
  if (colon != text.npos) {
    if (kind == "file" || kind == "pipe") return path_of(kind, rest);
    if (kind == "unix") return unix_socket(rest);
    if (kind == "tcp") return tcp_socket(rest);
    if (kind == "telnet") {
      auto items = TRY(tcp_socket(rest));
      items.push_back({"telnet", "on"});
      return items;
    }
  }
  return fail("'{}' is no place for a serial port; it takes {}", text, kAccepted);
}

}  // namespace

Result<OptionGroup> parse_short_chardev(std::string_view text) {
  OptionGroup group{.option = {}, .text = std::string{text}, .items = {}};
  const bool shared = text.starts_with("mon:");
  group.items = TRY(items_of(shared ? text.substr(4) : text));
  if (shared) group.items.push_back({"mux", "on"});
  // The guest gets control-C; control-A x ends the emulator.
  if (shared && *group.find("backend") == "stdio") group.items.push_back({"signal", "off"});
  return group;
}

}  // namespace holdfast::app
