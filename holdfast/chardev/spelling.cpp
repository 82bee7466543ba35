// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/spelling.hpp"

#include "holdfast/base/comma_list.hpp"

namespace holdfast::chardev {
namespace {

void append_items(Properties& properties, std::string_view rest) {
  while (!rest.empty()) {
    const std::string item = take_item(rest);
    if (const auto equals = item.find('='); equals != item.npos)
      properties.emplace_back(item.substr(0, equals), item.substr(equals + 1));
    else if (item.starts_with("no"))
      properties.emplace_back(item.substr(2), "off");
    else
      properties.emplace_back(item, "on");
  }
}

Result<Properties> path_form(std::string_view backend, std::string_view form,
                             std::string_view path) {
  if (path.empty()) return fail("the path is empty; it takes {}PATH", form);
  return Properties{{"backend", std::string{backend}}, {"path", std::string{path}}};
}

Result<Properties> unix_form(std::string_view rest) {
  std::string path = take_item(rest);
  if (path.empty()) return fail("the path is empty; it takes unix:PATH");
  Properties properties{{"backend", "socket"}, {"path", std::move(path)}};
  append_items(properties, rest);
  return properties;
}

/// A host that has colons stands in brackets.
Result<Properties> tcp_form(std::string_view rest) {
  const std::string address = take_item(rest);
  const auto colon = address.rfind(':');
  if (colon == address.npos || colon + 1 == address.size())
    return fail("'{}' is no address; it takes HOST:PORT", address);
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Properties properties{
      {"backend", "socket"}, {"host", std::move(host)}, {"port", address.substr(colon + 1)}};
  append_items(properties, rest);
  return properties;
}

Result<Properties> read_form(std::string_view text) {
  for (const std::string_view word : {"stdio", "null", "pty", "ringbuf", "vc", "none"})
    if (text == word) return Properties{{"backend", std::string{word}}};
  const auto after = [&](std::string_view start) { return text.substr(start.size()); };
  if (text.starts_with("ringbuf,")) return take_apart(text);
  if (text.starts_with("vc:")) return Properties{{"backend", "vc"}};
  if (text.starts_with("/dev/")) return path_form("serial", "/dev/", text);
  if (text.starts_with("file:")) return path_form("file", "file:", after("file:"));
  if (text.starts_with("pipe:")) return path_form("pipe", "pipe:", after("pipe:"));
  if (text.starts_with("unix:")) return unix_form(after("unix:"));
  if (text.starts_with("tcp:")) return tcp_form(after("tcp:"));
  if (text.starts_with("telnet:")) {
    auto properties = TRY(tcp_form(after("telnet:")));
    properties.emplace_back("telnet", "on");
    return properties;
  }
  if (text.starts_with("chardev:")) {
    if (text == "chardev:") return fail("the id is empty; it takes chardev:ID");
    return Properties{{"backend", "chardev"}, {"id", std::string{after("chardev:")}}};
  }
  return fail("'{}' is no back-end; it takes {}", text, short_forms());
}

}  // namespace

Result<Properties> take_apart(std::string_view text) {
  Properties properties;
  std::string backend = take_item(text);
  if (backend.starts_with("backend=")) backend = backend.substr(8);
  properties.emplace_back("backend", std::move(backend));
  append_items(properties, text);
  return properties;
}

Result<Properties> take_short_form_apart(std::string_view text) {
  if (!text.starts_with("mon:")) return read_form(text);
  auto properties = TRY(read_form(text.substr(4)));
  const std::string backend = properties.front().second;
  if (backend == "none" || backend == "chardev")
    return fail("mon: shares a back-end that is made here; one that exists is given mux=on");
  properties.emplace_back("mux", "on");
  // The guest gets control-C; control-A x ends the emulator.
  if (backend == "stdio") properties.emplace_back("signal", "off");
  return properties;
}

std::string_view short_forms() {
  return "stdio, mon:stdio, chardev:ID, file:PATH, unix:PATH, tcp:HOST:PORT, pipe:PATH, pty, "
         "ringbuf, /dev/TERMINAL, null or none";
}

}  // namespace holdfast::chardev
