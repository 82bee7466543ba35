// SPDX-License-Identifier: Apache-2.0
// Character back-ends that come and go, and what is in those that keep their output in memory.
#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "holdfast/chardev/factory.hpp"
#include "holdfast/chardev/ring_buffer.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/control/text_coding.hpp"

namespace holdfast::control::qmp {
namespace {

using chardev::Chardev;
using chardev::Properties;

/// Takes the members of an object one by one; what is left in the end is an error.
class Members {
 public:
  Members(const Json& object, std::string what) : object_{object}, what_{std::move(what)} {}

  const Json* find(const char* name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return nullptr;
    ++taken_;
    return &*found;
  }
  Result<void> to_text(const char* name, const char* key, Properties& properties) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail("{}: '{}' takes text", what_, name);
    properties.emplace_back(key, value->get<std::string>());
    return {};
  }
  Result<void> to_switch(const char* name, const char* key, Properties& properties) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_boolean()) return fail("{}: '{}' takes true or false", what_, name);
    properties.emplace_back(key, value->get<bool>() ? "on" : "off");
    return {};
  }
  Result<void> to_number(const char* name, const char* key, Properties& properties) {
    const Json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_number_unsigned()) return fail("{}: '{}' takes a number from 0 on", what_, name);
    properties.emplace_back(key, std::to_string(value->get<std::uint64_t>()));
    return {};
  }
  Result<const Json*> object(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || !value->is_object())
      return fail("{}: '{}' is missing or no object", what_, name);
    return value;
  }
  Result<std::string> text(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || !value->is_string())
      return fail("{}: '{}' is missing or no text", what_, name);
    return value->get<std::string>();
  }
  Result<void> finish() const {
    if (taken_ == object_.size()) return {};
    return fail("{}: there is a member that it does not take", what_);
  }

 private:
  const Json& object_;  // outlives this
  const std::string what_;
  std::size_t taken_ = 0;
};

/// A socket by the name that `getfd` gave it, which is then free again, or one that `add-fd` took in,
/// by its number. Other numbers are not the client's.
Result<void> read_descriptor(Call& call, const std::string& name, Properties& properties,
                             Descriptor& given) {
  if (const auto named = call.named.find(name); named != call.named.end()) {
    given = std::move(named->second);
    call.named.erase(named);
  }
  for (const auto& [number, set] : call.shared.sets.sets())
    for (const auto& member : set)
      if (!given && std::to_string(member.descriptor.get()) == name)
        given = Descriptor{::fcntl(member.descriptor.get(), F_DUPFD_CLOEXEC, 0)};
  if (!given) return fail("there is no descriptor '{}'; getfd and add-fd take them in", name);
  properties.emplace_back("fd", std::to_string(given.get()));
  return {};
}

Result<void> read_address(Call& call, const Json& address, Properties& properties, Descriptor& given) {
  Members outer{address, "addr"};
  const std::string type = TRY(outer.text("type"));
  const Json& data = *TRY(outer.object("data"));
  TRY(outer.finish());
  Members inner{data, "addr"};
  if (type == "unix") {
    TRY(inner.to_text("path", "path", properties));
    TRY(inner.to_switch("abstract", "abstract", properties));
    TRY(inner.to_switch("tight", "tight", properties));
  } else if (type == "inet") {
    TRY(inner.to_text("host", "host", properties));
    TRY(inner.to_text("port", "port", properties));
    TRY(inner.to_number("to", "to", properties));
    TRY(inner.to_switch("ipv4", "ipv4", properties));
    TRY(inner.to_switch("ipv6", "ipv6", properties));
    inner.find("numeric");
  } else if (type == "fd") {
    const std::string name = TRY(inner.text("str"));
    TRY(read_descriptor(call, name, properties, given));
  } else {
    return fail("addr: type '{}'; it takes unix, inet or fd", type);
  }
  return inner.finish();
}

Result<void> read_socket(Call& call, Members& data, Properties& properties, Descriptor& given) {
  const Json& address = *TRY(data.object("addr"));
  // A monitor's sockets listen unless it says otherwise, and never wait.
  const Json* server = data.find("server");
  if (server != nullptr && !server->is_boolean()) return fail("socket: 'server' takes true or false");
  const bool listens = server == nullptr || server->get<bool>();
  properties.emplace_back("server", listens ? "on" : "off");
  if (const Json* wait = data.find("wait"); wait != nullptr && *wait != false)
    return fail("socket: wait would stop the machine; it takes false");
  if (listens) properties.emplace_back("wait", "off");
  TRY(data.to_switch("nodelay", "nodelay", properties));
  TRY(data.to_switch("telnet", "telnet", properties));
  TRY(data.to_switch("websocket", "websocket", properties));
  TRY(data.to_number("reconnect", "reconnect", properties));
  return read_address(call, address, properties, given);
}

/// As the command line would have it.
Result<Properties> properties_from(Call& call, Descriptor& given) {
  Members backend{call.arguments.at("backend"), "backend"};
  const std::string type = TRY(backend.text("type"));
  const Json& object = *TRY(backend.object("data"));
  TRY(backend.finish());
  Properties properties{{"backend", type}, {"id", call.text("id")}};
  Members data{object, type};
  TRY(data.to_text("logfile", "logfile", properties));
  TRY(data.to_switch("logappend", "logappend", properties));
  if (type == "socket") {
    TRY(read_socket(call, data, properties, given));
  } else if (type == "file") {
    TRY(data.to_text("in", "input-path", properties));
    TRY(data.to_text("out", "path", properties));
    TRY(data.to_switch("append", "append", properties));
  } else if (type == "pipe" || type == "serial" || type == "tty") {
    TRY(data.to_text("device", "path", properties));
  } else if (type == "stdio") {
    TRY(data.to_switch("signal", "signal", properties));
  } else if (type == "ringbuf" || type == "memory") {
    TRY(data.to_number("size", "size", properties));
  }
  TRY(data.finish());
  return properties;
}

Chardev* find_backend(Call& call, const std::string& id) {
  for (Chardev* backend : call.machine.backends_now())
    if (backend->id() == id) return backend;
  return nullptr;
}

std::unexpected<QmpError> no_backend(const std::string& id) {
  return generic_error(fmt::format("chardev '{}' not found", id));
}

struct Made {
  std::unique_ptr<Chardev> backend;
  Json info = Json::object();
};

Result<Made> make(Call& call) {
  Descriptor given;
  const auto properties = TRY(properties_from(call, given));
  auto spec = TRY(chardev::spec_from(properties));
  if (given) spec.address.given = std::make_shared<Descriptor>(std::move(given));
  Made made;
  const auto& sets = call.shared.sets;
  made.backend = TRY(chardev::make(
      spec, {.loop = call.machine.loop(),
             .announce = [](std::string_view) {},
             .open = [&sets](const std::string& path, int flags) { return sets.open(path, flags); }}));
  constexpr std::string_view kPty = "pty:";
  if (const std::string name = made.backend->filename(); name.starts_with(kPty))
    made.info["pty"] = name.substr(kPty.size());
  return made;
}

Answer add_chardev(Call& call) {
  const std::string id = call.text("id");
  if (find_backend(call, id) != nullptr)
    return generic_error(fmt::format("chardev '{}' is there already", id));
  auto made = make(call);
  if (!made) return std::unexpected{QmpError{made.error()}};
  call.machine.keep(std::move(made->backend));
  return made->info;
}

Answer remove_chardev(Call& call) {
  const std::string id = call.text("id");
  if (find_backend(call, id) == nullptr) return no_backend(id);
  const auto gone = call.machine.discard_backend(id);
  if (!gone) return std::unexpected{QmpError{gone.error()}};
  return Json::object();
}

// The new one is made while the old one is there still, so that a refusal changes nothing. What both
// would need, such as the path of a socket that listens, goes over to the new one.
Answer change(Call& call) {
  const std::string id = call.text("id");
  Chardev* old = find_backend(call, id);
  if (old == nullptr) return no_backend(id);
  if (old->is_attached())
    return generic_error(fmt::format("chardev '{}' is in use, and its user keeps it until it goes", id));
  auto made = make(call);
  if (!made) return std::unexpected{QmpError{made.error()}};
  const auto gone = call.machine.discard_backend(id);
  if (!gone) return std::unexpected{QmpError{gone.error()}};
  call.machine.keep(std::move(made->backend));
  return made->info;
}

Answer send_break(Call& call) {
  Chardev* backend = find_backend(call, call.text("id"));
  if (backend == nullptr) return no_backend(call.text("id"));
  backend->line_break();
  return Json::object();
}

// --- output kept in memory -------------------------------------------------------------------------

std::expected<chardev::RingBuffer*, QmpError> ring_of(Call& call) {
  const std::string id = call.text("device");
  Chardev* backend = find_backend(call, id);
  if (backend == nullptr) return no_backend(id);
  if (auto* ring = dynamic_cast<chardev::RingBuffer*>(backend)) return ring;
  return generic_error(fmt::format("chardev '{}' is no ringbuf", id));
}

bool is_base64(Call& call) { return call.text_if("format").value_or("utf8") == "base64"; }

Answer read_ring(Call& call) {
  auto ring = ring_of(call);
  if (!ring) return std::unexpected{ring.error()};
  const Json& size = call.arguments.at("size");
  if (!size.is_number_unsigned() || size == 0U) return generic_error("size takes a number from 1 on");
  const std::string taken = (*ring)->take(size.get<std::uint64_t>());
  if (!is_base64(call)) return taken;
  std::string text;
  append_base64(text, std::as_bytes(std::span{taken}));
  return text;
}

// Kept for `ringbuf-read`, as output is.
Answer write_ring(Call& call) {
  auto ring = ring_of(call);
  if (!ring) return std::unexpected{ring.error()};
  const std::string data = call.text("data");
  std::vector<std::byte> bytes;
  if (is_base64(call)) {
    auto decoded = from_base64(data);
    if (!decoded) return generic_error("data: this is not base 64");
    bytes = std::move(*decoded);
  } else {
    const auto plain = std::as_bytes(std::span{data});
    bytes.assign(plain.begin(), plain.end());
  }
  (*ring)->write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return Json::object();
}

constexpr auto kChardevCommands = std::to_array<CommandRow>({
    {"chardev-add", add_chardev},
    {"chardev-change", change},
    {"chardev-remove", remove_chardev},
    {"chardev-send-break", send_break},
    {"ringbuf-read", read_ring},
    {"ringbuf-write", write_ring},
});

}  // namespace

std::span<const CommandRow> chardev_commands() { return kChardevCommands; }

}  // namespace holdfast::control::qmp
