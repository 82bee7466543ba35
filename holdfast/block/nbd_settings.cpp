// SPDX-License-Identifier: Apache-2.0
#include "holdfast/block/nbd_settings.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace holdfast::block {
namespace {

constexpr std::string_view kPortShape = "a number from 1 to 65535 or the name of a service";

/// As the host knows it.
bool is_service(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(nullptr, name.c_str(), &hints, &list) != 0) return false;
  ::freeaddrinfo(list);
  return true;
}

/// The host would take any number modulo 65536, and a sign, and nothing for 0. A name has a letter.
bool is_port(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (std::ranges::any_of(text, letter)) return is_service(text);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port != 0;
}

}  // namespace

Result<Nbd::Options> nbd_options(Settings& settings, const std::string& what) {
  Nbd::Options options{.name = what};
  constexpr std::array<std::string_view, 2> kTypes{"unix", "inet"};
  Settings server = settings.below("server");
  const std::string_view port_key = settings.has("port") ? "port" : "server.port";
  for (const std::string_view key : {"path", "host", "port"})  // as they were said before `server`
    if (const auto value = settings.text(key)) server.set(std::string{key}, *value);
  TRY(server.choice("type", kTypes));
  options.path = server.text("path").value_or("");
  options.host = server.text("host").value_or("");
  if (const auto port = server.text("port")) {
    if (!is_port(*port)) return fail("{} is '{}'; it takes {}", port_key, *port, kPortShape);
    options.port = *port;
  }
  if (options.path.empty() == options.host.empty())
    return fail("server is missing; it takes server.type=unix,server.path=SOCKET or "
                "server.type=inet,server.host=HOST,server.port=PORT");
  TRY(server.finish("nbd"));
  options.export_name = settings.text("export").value_or("");
  constexpr std::uint64_t kDay = 86'400;
  const auto reconnect = TRY(settings.number("reconnect-delay", 0, kDay)).value_or(0);
  options.reconnect_delay = std::chrono::seconds{reconnect};
  if (const auto timeout = TRY(settings.number("open-timeout", 0, kDay)); timeout && *timeout != 0)
    options.open_timeout = std::chrono::seconds{*timeout};
  return options;
}

Result<void> take_nbd_name(Settings& node, std::string_view text) {
  const std::string whole{text};
  constexpr std::string_view kShape = "nbd:unix:SOCKET, nbd:HOST:PORT, nbd://HOST:PORT/EXPORT or "
                                      "nbd+unix:///EXPORT?socket=SOCKET";
  constexpr std::string_view kUnix = "nbd+unix:///";
  constexpr std::string_view kSocket = "?socket=";
  constexpr std::string_view kTcp = "nbd://";
  constexpr std::string_view kExport = ":exportname=";
  node.set("driver", "nbd");
  if (text.starts_with(kUnix)) {
    text.remove_prefix(kUnix.size());
    const auto socket = text.find(kSocket);
    if (socket == text.npos) return fail("file is '{}'; it takes {}", whole, kShape);
    node.set("export", std::string{text.substr(0, socket)});
    node.set("path", std::string{text.substr(socket + kSocket.size())});
    return {};
  }
  std::string_view server = text.starts_with(kTcp) ? text.substr(kTcp.size()) : text.substr(4);
  const auto end = text.starts_with(kTcp) ? server.find('/') : server.find(kExport);
  if (end != server.npos) {
    node.set("export", std::string{server.substr(end + (text.starts_with(kTcp) ? 1 : kExport.size()))});
    server = server.substr(0, end);
  }
  constexpr std::string_view kPath = "unix:";
  if (!text.starts_with(kTcp) && server.starts_with(kPath)) {
    node.set("path", std::string{server.substr(kPath.size())});
    return {};
  }
  const auto colon = server.rfind(':');
  if (server.empty() || (colon == server.npos && !text.starts_with(kTcp)))
    return fail("file is '{}'; it takes {}", whole, kShape);
  node.set("host", std::string{server.substr(0, colon)});
  if (colon == server.npos) return {};
  const std::string port{server.substr(colon + 1)};
  if (!is_port(port)) return fail("file is '{}'; its port is '{}', and takes {}", whole, port, kPortShape);
  node.set("port", port);
  return {};
}

}  // namespace holdfast::block
