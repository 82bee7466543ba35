// SPDX-License-Identifier: Apache-2.0
// Character back-ends.
#include <array>

#include "holdfast/chardev/factory.hpp"
#include "holdfast/control/hmp/command.hpp"

namespace holdfast::control::hmp {
namespace {

/// Not yet kept.
Result<std::unique_ptr<chardev::Chardev>> make(Call& call, const chardev::Spec& spec) {
  // Nobody may wait here for somebody to connect.
  if (spec.backend == chardev::Backend::kSocket && spec.server && spec.wait)
    return fail("chardev '{}': a server is made with wait=off here", spec.id);
  if (spec.backend == chardev::Backend::kStdio)
    return fail("chardev '{}': the terminal belongs to whoever started the emulator", spec.id);
  return chardev::make(spec, {.loop = call.machine().loop(),
                              .announce = [&call](std::string_view line) { call.say("{}", line); }});
}

Result<void> add_chardev(Call& call) {
  const auto spec = TRY(chardev::parse_chardev(call.text("args")));
  if (call.machine().find_backend(spec.id) != nullptr)
    return fail("chardev '{}' is there already", spec.id);
  call.machine().keep(TRY(make(call, spec)));
  return {};
}

Result<void> remove_chardev(Call& call) { return call.tell("chardev-remove", {{"id", call.text("id")}}); }

// One that is in use stays: its user has it for as long as it lives.
Result<void> change(Call& call) {
  const std::string& id = call.text("id");
  const auto spec = TRY(chardev::parse_chardev(call.text("args") + ",id=" + id));
  chardev::Chardev* old = call.machine().find_backend(id);
  if (old == nullptr) return fail("chardev '{}': not found", id);
  if (old->is_attached()) return fail("chardev '{}' is in use; it can be changed when nobody uses it", id);
  auto made = TRY(make(call, spec));  // if that fails the old one stays
  TRY(call.machine().discard_backend(id));
  call.machine().keep(std::move(made));
  return {};
}

Result<void> send_break(Call& call) {
  return call.tell("chardev-send-break", {{"id", call.text("id")}});
}

Result<void> ring_write(Call& call) {
  return call.tell("ringbuf-write", {{"device", call.text("device")}, {"data", call.text("data")}});
}

Result<void> ring_read(Call& call) {
  const qmp::Json bytes = TRY(call.ask(
      "ringbuf-read", {{"device", call.text("device")}, {"size", call.number("size")}}));
  std::string text;
  for (const char c : bytes.get<std::string>()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\')
      text += "\\\\";
    else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
      text += fmt::format("\\u{:04x}", byte);
    else
      text += c;
  }
  call.say("{}", text);
  return {};
}

constexpr auto kChardevRows = std::to_array<Row>({
    {.name = "chardev-add",
     .arguments = {rest("args", Completes::kChardevKind)},
     .help = "makes a character back-end, as -chardev does",
     .perform = add_chardev},
    {.name = "chardev-change",
     .arguments = {word("id", Completes::kChardevId), rest("args", Completes::kChardevKind)},
     .help = "puts another character back-end in the place of one that nobody uses",
     .perform = change},
    {.name = "chardev-remove",
     .arguments = {word("id", Completes::kChardevId)},
     .help = "removes a character back-end that nobody uses",
     .perform = remove_chardev},
    {.name = "chardev-send-break",
     .arguments = {word("id", Completes::kChardevId)},
     .help = "gives a break to whoever uses a character back-end, as if it had come by the line",
     .perform = send_break},
    {.name = "ringbuf_write",
     .arguments = {word("device", Completes::kChardevId), word("data")},
     .help = "adds to what a ringbuf back-end keeps, as output does",
     .perform = ring_write},
    {.name = "ringbuf_read",
     .arguments = {word("device", Completes::kChardevId), number("size")},
     .help = "takes that many bytes of the output that a ringbuf back-end holds",
     .perform = ring_read},
});

}  // namespace

std::span<const Row> chardev_rows() { return kChardevRows; }

}  // namespace holdfast::control::hmp
