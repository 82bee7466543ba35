// SPDX-License-Identifier: Apache-2.0
// The composition tree and what users put into it.
#include <array>

#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/hmp/words.hpp"
#include "holdfast/machine/user_object.hpp"

namespace holdfast::control::hmp {
namespace {

Result<void> list(Call& call) {
  if (!call.has("path")) {
    call.say("/");
    return {};
  }
  const auto answer = call.ask("qom-list", {{"path", call.text("path")}});
  if (!answer) return std::unexpected{answer.error()};
  for (const qmp::Json& one : *answer)
    call.say("{} ({})", one.at("name").get<std::string>(), one.at("type").get<std::string>());
  return {};
}

Result<void> get(Call& call) {
  const auto answer =
      call.ask("qom-get", {{"path", call.text("path")}, {"property", call.text("property")}});
  if (!answer) return std::unexpected{answer.error()};
  call.say("{}", answer->dump(4, ' ', false, qmp::Json::error_handler_t::replace));
  return {};
}

Result<void> set(Call& call) {
  qmp::Json value = call.text("value");
  if (call.flag("j")) {
    value = qmp::Json::parse(call.text("value"), nullptr, false);
    if (value.is_discarded()) return fail("'{}' is no JSON", call.text("value"));
  }
  return call.tell("qom-set", {{"path", call.text("path")},
                               {"property", call.text("property")},
                               {"value", std::move(value)}});
}

Result<void> add_object(Call& call) {
  const auto items = TRY(read_items(call.text("object"), "qom-type"));
  const std::string type = value_of(items, "qom-type");
  const bool any_type = type == "help" || type == "?";
  const bool asked = any_type || !value_of(items, "help").empty() || !value_of(items, "?").empty();
  if (asked) {
    call.out += TRY(machine::objects_text(any_type ? std::string{} : type));
    return {};
  }
  machine::DeviceWish wish{.driver = type, .id = value_of(items, "id")};
  if (!machine::is_id(wish.id)) return std::unexpected{machine::not_an_id(wish.id)};
  for (const auto& [key, value] : items)
    if (key != "qom-type" && key != "id") wish.values.push_back({key, value});
  return machine::make_object(call.machine(), wish);
}

Result<void> remove_object(Call& call) { return call.tell("object-del", {{"id", call.text("id")}}); }

constexpr auto kObjectRows = std::to_array<Row>({
    {.name = "qom-list",
     .arguments = {maybe(word("path", Completes::kPath))},
     .help = "the children and properties of an object",
     .perform = list},
    {.name = "qom-get",
     .arguments = {word("path", Completes::kPath), word("property", Completes::kProperty)},
     .help = "a property of an object",
     .perform = get},
    {.name = "qom-set",
     .arguments = {flag("j"), word("path", Completes::kPath), word("property", Completes::kProperty),
                   rest("value")},
     .help = "sets a property of an object; -j: the value is JSON",
     .perform = set},
    {.name = "object_add",
     .arguments = {rest("object", Completes::kObjectType)},
     .help = "makes an object, TYPE,id=ID[,KEY=VALUE...]; help lists the types, TYPE,help what one takes",
     .perform = add_object},
    {.name = "object_del",
     .arguments = {word("id", Completes::kObjectId)},
     .help = "deletes an object that nothing uses",
     .perform = remove_object},
});

}  // namespace

std::span<const Row> object_rows() { return kObjectRows; }

}  // namespace holdfast::control::hmp
