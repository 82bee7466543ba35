// SPDX-License-Identifier: Apache-2.0
// The monitor for programs: conversations over a back-end in memory.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "holdfast/boards/device_types.hpp"
#include "holdfast/boards/machine_type.hpp"
#include "holdfast/boards/virt/virt.hpp"
#include "holdfast/control/qmp/command.hpp"
#include "holdfast/control/qmp/json_stream.hpp"
#include "holdfast/control/qmp/server.hpp"
#include "holdfast/devices/pci/bus.hpp"
#include "tests/support/schedule.hpp"
#include "tests/support/test_devices.hpp"
#include "tests/support/test_machine.hpp"
#include "tests/unit/control/client.hpp"
#include "tests/unit/control/python_schema.hpp"

namespace holdfast::control {
namespace {

constexpr std::uint64_t kFree = 0x1800'0000;  // where the board has nothing

using nlohmann::json;

boards::BoardPlan small_virt() {
  boards::virt::Options options;
  options.ram_size = 16U << 20U;
  options.most_harts = 3;
  options.most_ram = 64U << 20U;
  options.memory_slots = 2;
  return boards::virt::plan(options).value();
}

/// The lines that were sent, each a value.
std::vector<json> values_of(const std::string& text) {
  std::vector<json> values;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.ends_with('\r')) << line;
    values.push_back(json::parse(line));
  }
  return values;
}

/// As a board of the program shows it.
const object::PropertyInfo kSaid{.name = "graphics", .type = "bool", .description = "a screen", .value = false};

class QmpTest : public ::testing::Test {
 protected:
  QmpTest()
      : board_{small_virt()},
        machine_{machine::Machine::make(board_, {.type = boards::machine_type("virt"), .properties = {kSaid}}).value()} {
    EXPECT_TRUE(boards::register_device_types(types_));
    EXPECT_TRUE(types_.add(*boards::machine_type("virt")));
    client_.emplace(*machine_);
    QmpServer::About about;
    about.name = "test";
    about.machine_types = {
        {.name = "virt", .most_cpus = 64, .hotpluggable_cpus = true, .properties = {kSaid}}};
    about.board = board_.expansion();
    server_.emplace(*machine_, types_, std::move(about));
    EXPECT_TRUE(server_->serve(client_->backend()));
  }

  std::vector<json> say(const std::string& text) { return values_of(client_->say(text)); }
  std::vector<json> hear() { return values_of(client_->hear()); }
  void negotiate() {
    hear();
    EXPECT_EQ(say("{'execute': 'qmp_capabilities', 'arguments': {'enable': ['oob']}}"),
              std::vector<json>{json({{"return", json::object()}})});
  }
  /// One command, and its answer, which must be the last thing said. Events before it are kept.
  json ask(const std::string& command, const json& arguments = json::object()) {
    auto said = say(json({{"execute", command}, {"arguments", arguments}}).dump() + "\n");
    EXPECT_FALSE(said.empty()) << command;
    if (said.empty()) return {};
    json answer = said.back();
    said.pop_back();
    events_ = std::move(said);
    return answer.contains("return") ? answer["return"] : answer;
  }
  std::string error_class(const json& answer) {
    return answer.contains("error") ? answer["error"]["class"].get<std::string>() : "";
  }
  static std::vector<std::string> names(const std::vector<json>& events) {
    std::vector<std::string> all;
    for (const json& event : events) all.push_back(event.value("event", ""));
    return all;
  }

  object::TypeRegistry types_;
  const boards::BoardPlan board_;
  std::unique_ptr<machine::Machine> machine_;
  std::optional<Client> client_;
  std::optional<QmpServer> server_;
  std::vector<json> events_;
};

TEST_F(QmpTest, GreetsAndNegotiates) {
  const auto greeting = hear();
  ASSERT_EQ(greeting.size(), 1U);
  EXPECT_EQ(greeting[0]["QMP"]["version"]["qemu"], json({{"major", 8}, {"minor", 2}, {"micro", 0}}));
  EXPECT_EQ(greeting[0]["QMP"]["capabilities"], json({"oob"}));
  EXPECT_EQ(error_class(ask("query-version")), "CommandNotFound") << "not yet";
  EXPECT_EQ(error_class(ask("qmp_capabilities", {{"enable", {"magic"}}})), "GenericError");
  EXPECT_EQ(ask("qmp_capabilities"), json::object());
  EXPECT_EQ(error_class(ask("qmp_capabilities")), "CommandNotFound") << "once";
  EXPECT_EQ(ask("query-version")["qemu"]["major"], 8);
}

TEST_F(QmpTest, IdsComeBack) {
  negotiate();
  EXPECT_EQ(say("{'execute':'query-name','id':'a\"b'}{'id':{'x':[1]},'execute':'no-such'}"),
            (std::vector<json>{
                json({{"return", {{"name", "test"}}}, {"id", "a\"b"}}),
                json({{"error", {{"class", "CommandNotFound"},
                                 {"desc", "there is no command 'no-such'"}}},
                      {"id", {{"x", {1}}}}})}));
}

// What strict clients send to see whether the parser finds its way back, without an end of line.
TEST_F(QmpTest, FindsItsWayBackFromAnythingAtOnce) {
  negotiate();
  using namespace std::string_literals;
  for (const std::string& wrong :
       {"{]\n"s, "{\xff"s, "{\x01"s, "{'bad \xff"s, "{'execute': 'nonexistent', 'id':'\n"s, "%p"s,
        "{'execute': %p}\n"s, "\xff"s, "]"s, ","s, "'a\x00b'"s, "{'a':\xc0"s}) {
    const auto said = say(wrong);
    ASSERT_EQ(said.size(), 1U) << wrong;
    EXPECT_EQ(error_class(said[0]), "GenericError") << wrong;
    EXPECT_EQ(error_class(ask("no-such-cmd")), "CommandNotFound") << "after " << wrong;
  }
}

TEST_F(QmpTest, RequestsThatAreNone) {
  negotiate();
  for (const char* wrong :
       {"[]", "'text'", "17 ", "null ", "{}", "{'execute':true}", "{'execute':'query-name','arguments':[]}",
        "{'execute':'query-name','extra':1}", "{'arguments':{}}", "{'execute':'stop','exec-oob':'stop'}",
        "{'a':}", "{'a' 'b'}", "[1,]", "{'execute':'query-name','arguments':{'x':1}}", "truth "})
    EXPECT_EQ(error_class(say(wrong).at(0)), "GenericError") << wrong;
  EXPECT_EQ(ask("query-name"), json({{"name", "test"}}));
}

TEST_F(QmpTest, LimitsOfSizeAndDepth) {
  negotiate();
  std::string deep(1025, '[');
  const auto said = say(deep + "\n");
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(error_class(said[0]), "GenericError");
  EXPECT_EQ(error_class(say(std::string(1024, '[') + std::string(1024, ']')).at(0)), "GenericError");
  EXPECT_EQ(ask("query-name"), json({{"name", "test"}}));
}

TEST(JsonStream, KeepsNothingOfAValueThatIsTooLong) {
  std::vector<std::string> seen;
  JsonStream stream{{.bytes = 64},
                    {.value = [&](std::string_view text) { seen.emplace_back(text); },
                     .error = [&](std::string_view) { seen.emplace_back("!"); }}};
  stream.feed("{'a': '");
  for (int i = 0; i < 1000; ++i) stream.feed("xxxxxxxxxxxxxxxxxxxxxxxx");
  EXPECT_LT(stream.held(), 256U);
  stream.feed("'}\n {'q':'it\\'s \"so\"'} 12\n\"x\"");
  EXPECT_EQ(seen, (std::vector<std::string>{"!", R"({"q":"it's \"so\""})", "12", "\"x\""}));
}

// --- schema ----------------------------------------------------------------------------------------

TEST(QmpSchema, EveryCommandIsThereAndNothingElse) {
  std::set<std::string_view> performed{"qmp_capabilities"};
  for (const auto& rows : qmp::all_commands())
    for (const auto& row : rows) EXPECT_TRUE(performed.insert(row.name).second) << row.name;
  std::set<std::string_view> written;
  for (const SchemaEntry& entry : Schema::get().entries())
    if (entry.kind == SchemaEntry::Kind::kCommand) written.insert(entry.name);
  EXPECT_EQ(performed, written);
}

TEST(QmpSchema, TheTableOfWhatClientsKnowAgrees) {
  std::set<std::string> present;
  std::istringstream lines{std::string{known_text()}};
  for (std::string line; std::getline(lines, line);) {
    const auto name = line.substr(0, line.find(' '));
    const SchemaEntry* entry = Schema::get().find(name);
    const bool waits = line.find(" waits for ") != line.npos;
    EXPECT_EQ(entry == nullptr, waits) << name << ": the table is wrong";
    present.insert(name);
  }
  for (const SchemaEntry& entry : Schema::get().entries()) {
    const bool said = entry.kind == SchemaEntry::Kind::kCommand || entry.kind == SchemaEntry::Kind::kEvent;
    if (said && !entry.name.starts_with("x-")) {
      EXPECT_TRUE(present.contains(entry.name)) << entry.name << " is not in the table";
    }
  }
}

/// What is made of the schema and kept in the tree; HOLDFAST_WRITE_DOCS=1 writes it.
void expect_up_to_date(const std::string& file, const std::string& text) {
  const std::string path = std::string{SOURCE_FOLDER} + file;
  if (std::getenv("HOLDFAST_WRITE_DOCS") != nullptr) std::ofstream{path} << text;
  std::ostringstream page;
  page << std::ifstream{path}.rdbuf();
  EXPECT_TRUE(page.str() == text) << path << ": HOLDFAST_WRITE_DOCS=1 writes it";
}

TEST(QmpSchema, ThePageInTheDocumentsIsUpToDate) {
  expect_up_to_date("/docs/monitor-protocol.md", Schema::get().reference());
}

TEST(QmpSchema, ThePythonClientIsUpToDate) {
  expect_up_to_date("/python/holdfast/schema.py", python_schema(Schema::get()));
}

/// For fuzzers: the words of the protocol.
std::string dictionary(const Schema& schema) {
  std::set<std::string> words{"execute", "exec-oob", "arguments", "id", "return"};
  for (const SchemaEntry& entry : schema.entries()) {
    if (entry.kind == SchemaEntry::Kind::kCommand) words.insert(entry.name);
    for (const SchemaMember& member : entry.members) words.insert(member.name);
    words.insert(entry.values.begin(), entry.values.end());
  }
  std::string text = "# Made from the schema by qmp_test; do not edit.\n";
  for (const std::string& word : words) text += "\"" + word + "\"\n";
  return text;
}

TEST(QmpSchema, TheDictionaryForFuzzersIsUpToDate) {
  expect_up_to_date("/tests/fuzz/dictionary/qmp.dict", dictionary(Schema::get()));
}

TEST(QmpSchema, MistakesInItAreFound) {
  for (const char* text : {"command a -> Missing\n", "command a\ncommand a\n", "  x: str\n", "thing a\n",
                           "object a\n  x: Missing\n", "object a\n  x str\n", "enum a one\n",
                           "command a sideways\n"})
    EXPECT_FALSE(Schema::parse(text)) << text;
}

constexpr std::string_view kShapes =
    "enum Shape: disc box\n"
    "object Disc\n  radius: int\n"
    "object Box\n  width: int\n  height?: int\n"
    "command draw\n  shape: Shape\n  colour?: str\n  case disc: Disc\n  case box: Box\n";

TEST(QmpSchema, MistakesInCasesAreFound) {
  ASSERT_TRUE(Schema::parse(kShapes));
  const std::string types = "enum E: a b\nobject A\n  x: int\nobject B\nobject C\n  e: int\n"
                            "object D\n  e: E\n  case a: A\n  case b: B\n";
  ASSERT_TRUE(Schema::parse(types));
  for (const char* text : {"  e: E\n  case a: A\n", "  e: E\n  case b: B\n  case a: A\n", "  case a: A\n  case b: B\n",
                           "  e: E\n  case a: A\n  case c: B\n", "  e?: E\n  case a: A\n  case b: B\n",
                           "  e: str\n  case a: A\n  case b: B\n", "  e: E\n  case a: A\n  case b: Missing\n",
                           "  e: E\n  case a: A\n  case b: E\n", "  e: E\n  case a: A\n  case b: C\n",
                           "  e: E\n  case a: A\n  case b: D\n", "  e: E\n  case a: A\n  case b B\n"})
    EXPECT_FALSE(Schema::parse(types + "command c\n" + text)) << text;
}

TEST(QmpSchema, TheFirstArgumentSaysWhichOthersThereAre) {
  const Schema schema = Schema::parse(kShapes).value();
  const auto wrong = [&](const json& arguments) {
    const auto checked = qmp::check_arguments(schema, *schema.command("draw"), arguments);
    return checked ? "" : checked.error().text;
  };
  EXPECT_EQ(wrong({{"shape", "disc"}, {"radius", 3}}), "");
  EXPECT_EQ(wrong({{"shape", "box"}, {"width", 3}, {"colour", "red"}}), "");
  EXPECT_EQ(wrong({{"shape", "box"}, {"width", 3}, {"height", 4}}), "");
  EXPECT_EQ(wrong({{"radius", 3}}), "draw: argument 'shape' is missing");
  EXPECT_EQ(wrong({{"shape", "line"}}), "draw: argument 'shape' takes disc, box");
  EXPECT_EQ(wrong({{"shape", 7}, {"radius", 3}}), "draw: argument 'shape' takes disc, box");
  EXPECT_EQ(wrong({{"shape", "disc"}}), "draw: argument 'radius' is missing");
  EXPECT_EQ(wrong({{"shape", "disc"}, {"radius", "3"}}), "draw: argument 'radius' takes a whole number");
  EXPECT_EQ(wrong({{"shape", "disc"}, {"radius", 3}, {"width", 3}}), "draw: there is no argument 'width'");
  EXPECT_EQ(wrong({{"shape", "box"}, {"height", 4}}), "draw: argument 'width' is missing");
}

TEST(QmpSchema, ProgramsAreToldOfTheCases) {
  const Schema schema = Schema::parse(kShapes).value();
  const json all = qmp::introspection(schema);
  const auto found = std::ranges::find_if(all, [](const json& entry) { return entry["name"] == "q_obj_draw-arg"; });
  ASSERT_NE(found, all.end());
  EXPECT_EQ((*found)["tag"], "shape");
  EXPECT_EQ((*found)["variants"], json::array({{{"case", "disc"}, {"type", "Disc"}}, {{"case", "box"}, {"type", "Box"}}}));
  EXPECT_EQ((*found)["members"].size(), 2U);
  for (const json& entry : all)
    EXPECT_EQ(entry.contains("tag"), entry["name"] == "q_obj_draw-arg") << entry;
}

TEST_F(QmpTest, WhatTheSchemaListsAnswersToAProgramThatTriesAll) {
  negotiate();
  const json schema = ask("query-qmp-schema");
  std::map<std::string, json> by_name;
  for (const json& entry : schema) by_name[entry["name"]] = entry;
  const std::set<std::string> kinds{"builtin", "enum", "array", "object", "command", "event"};
  int tried = 0;
  for (const auto& [name, entry] : by_name) {
    ASSERT_TRUE(kinds.contains(entry["meta-type"])) << entry;
    if (entry["meta-type"] == "array") {
      EXPECT_TRUE(by_name.contains(entry["element-type"])) << entry;
    }
    if (entry["meta-type"] == "object") {
      for (const json& member : entry["members"])
        EXPECT_TRUE(by_name.contains(member["type"])) << name << ": " << member;
      for (const json& variant : entry.value("variants", json::array()))
        EXPECT_EQ(by_name[variant["type"]]["meta-type"], "object") << name << ": " << variant;
    }
    if (entry["meta-type"] != "command") continue;
    ASSERT_TRUE(by_name.contains(entry["ret-type"])) << entry;
    bool needs_arguments = false;
    for (const json& member : by_name[entry["arg-type"]]["members"])
      needs_arguments = needs_arguments || !member.contains("default");
    // What clients do not take for a query: it wants a descriptor.
    if (needs_arguments || entry["ret-type"] == "q_empty" || name == "add-fd") continue;
    EXPECT_EQ(error_class(ask(name)), "") << name;
    ++tried;
  }
  EXPECT_GT(tried, 15);
}

// --- the machine -----------------------------------------------------------------------------------

TEST_F(QmpTest, RunStateAndItsEvents) {
  negotiate();
  EXPECT_EQ(ask("query-status"), json({{"status", "prelaunch"}, {"running", false}}));
  EXPECT_EQ(ask("cont"), json::object());
  EXPECT_EQ(names(events_), std::vector<std::string>{"RESUME"});
  EXPECT_EQ(ask("query-status"), json({{"status", "running"}, {"running", true}}));
  EXPECT_EQ(ask("stop"), json::object());
  EXPECT_EQ(names(events_), std::vector<std::string>{"STOP"});
  EXPECT_EQ(ask("stop"), json::object());
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(ask("system_reset"), json::object());
  ASSERT_EQ(names(events_), std::vector<std::string>{"RESET"}) << "before the answer";
  EXPECT_EQ(events_[0]["data"], json({{"guest", false}, {"reason", "host-qmp-system-reset"}}));
  EXPECT_TRUE(events_[0]["timestamp"]["seconds"].is_number());
  EXPECT_EQ(ask("system_powerdown"), json::object());
  EXPECT_EQ(names(events_), std::vector<std::string>{"POWERDOWN"});
}

TEST_F(QmpTest, QuitAnswersAndThenSaysSo) {
  negotiate();
  ask("cont");
  const auto said = say("{'execute':'quit'}");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0], json({{"return", json::object()}}));
  EXPECT_EQ(said[1]["event"], "SHUTDOWN");
  EXPECT_EQ(said[1]["data"], json({{"guest", false}, {"reason", "host-qmp-quit"}}));
}

TEST_F(QmpTest, SeveralMonitorsHearTheSameEvents) {
  negotiate();
  Client other{*machine_};
  ASSERT_TRUE(server_->serve(other.backend()));
  Client third{*machine_};
  ASSERT_TRUE(server_->serve(third.backend()));
  other.say("{'execute':'qmp_capabilities'}");
  third.hear();
  ask("cont");
  EXPECT_EQ(names(values_of(other.hear())), std::vector<std::string>{"RESUME"});
  EXPECT_EQ(third.hear(), "") << "has not negotiated";
  server_.reset();
}

// --- objects ---------------------------------------------------------------------------------------

TEST_F(QmpTest, TypesHaveConsistentAncestors) {
  negotiate();
  const json types = ask("qom-list-types", {{"abstract", true}});
  std::map<std::string, json> by_name;
  for (const json& type : types) by_name[type["name"]] = type;
  for (const auto& [name, type] : by_name)
    if (name != "object" && name != "interface") {
      EXPECT_TRUE(by_name.contains(type["parent"])) << name;
    }
  EXPECT_EQ(by_name["cpu"]["abstract"], true);
  EXPECT_EQ(by_name["rv64-riscv-cpu"]["parent"], "cpu");
  for (const json& type : ask("qom-list-types", {{"implements", "device"}})) {
    EXPECT_FALSE(type.contains("abstract"));
    const json listed = ask("device-list-properties", {{"typename", type["name"]}});
    EXPECT_TRUE(listed.is_array()) << type << listed;
    std::set<std::string> names;
    for (const json& property : listed)
      EXPECT_TRUE(names.insert(property["name"]).second) << type << property;
  }
  EXPECT_EQ(error_class(ask("device-list-properties", {{"typename", "nonsense"}})), "DeviceNotFound");
  EXPECT_EQ(error_class(ask("device-list-properties", {{"typename", "device"}})), "GenericError");
}

TEST_F(QmpTest, WhatImplementsATypeIsListed) {
  negotiate();
  const auto listed = [this](const char* implements, bool abstract) {
    std::set<std::string> found;
    for (const json& type : ask("qom-list-types", {{"implements", implements}, {"abstract", abstract}}))
      found.insert(type["name"]);
    return found;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(listed("machine", true), (Names{"machine", "virt-machine"}));
  EXPECT_EQ(listed("machine", false), Names{"virt-machine"});
  EXPECT_EQ(listed("bus", true), (Names{"bus", "PCI", "PCIE", "nvme-bus", "system-bus"}));
  EXPECT_EQ(listed("user-creatable", false),
            (Names{"iothread", "memory-backend-file", "memory-backend-memfd", "memory-backend-ram"}));
  EXPECT_EQ(listed("hotplug-handler", true), (Names{"hotplug-handler", "pcie-root-port", "virt-machine"}));
  EXPECT_TRUE(listed("nothing", true).empty());
  auto resettable = listed("resettable", true);
  EXPECT_EQ(resettable.erase("resettable"), 1U);
  EXPECT_EQ(resettable, listed("device", true));
  for (const std::string& name : listed("object", true)) EXPECT_FALSE(name.ends_with("-handler")) << name;
  EXPECT_FALSE(listed("interface", true).contains("object"));
  EXPECT_TRUE(listed("interface", true).contains("interface"));
}

TEST_F(QmpTest, DevicesAreOfTheBusTheySitOn) {
  for (const object::Type* type : types_.descendants("device", object::Abstract::kExcluded)) {
    const auto& facet = *types_.facet<boards::DeviceFacet>(*type);
    const bool function = facet.bus == devices::pci::Bus::kFamily;
    EXPECT_EQ(type->is_a("pci-express-device") != type->is_a("conventional-pci-device"), function) << type->name;
    // A module of RAM goes into a slot, a part of another into that.
    const bool placed = !facet.region.empty() && facet.bus.empty() && type->name != "pc-dimm";
    EXPECT_TRUE(type->is_a("sys-bus-device") || !placed) << type->name;
    EXPECT_FALSE(type->is_a("sys-bus-device") && !facet.bus.empty()) << type->name;
    const auto device = facet.make({.context = machine_->context(), .type = *type, .name = "it"});
    device->for_each_part([&](const hw::Part& part) {
      const auto* bus = dynamic_cast<const hw::Bus*>(&part);
      EXPECT_TRUE(bus == nullptr || types_.is_a(bus->bus_type(), "bus")) << type->name;
    });
  }
}

TEST_F(QmpTest, PropertiesOfTypesAreListed) {
  negotiate();
  const auto listed = [this](const char* name) {
    std::map<std::string, std::string> found;
    for (const json& property : ask("qom-list-properties", {{"typename", name}}))
      found[property["name"]] = property["type"];
    return found;
  };
  using Names = std::map<std::string, std::string>;
  EXPECT_EQ(listed("object"), (Names{{"type", "string"}}));
  EXPECT_EQ(listed("PCIE"), (Names{{"type", "string"}}));
  const auto machine = listed("virt-machine");
  EXPECT_EQ(machine.at("peripheral"), "child<container>");
  EXPECT_EQ(machine.at("type"), "string");
  EXPECT_EQ(machine.at("graphics"), "bool");
  EXPECT_TRUE(listed("memory-backend-ram").contains("size"));
  EXPECT_TRUE(listed("pci-device").contains("addr"));
  EXPECT_TRUE(listed("ns16550a").contains("lcr")) << "state shows";
  for (const char* command : {"qom-list-properties", "device-list-properties"}) {
    EXPECT_EQ(error_class(ask(command, {{"typename", "nonsense"}})), "DeviceNotFound");
    EXPECT_EQ(error_class(ask(command, {{"typename", "resettable"}})), "GenericError");
  }
  for (const char* none : {"device", "virt-machine", "PCIE", "system-bus", "memory-backend-ram"})
    EXPECT_EQ(error_class(ask("device-list-properties", {{"typename", none}})), "GenericError") << none;
}

TEST_F(QmpTest, TheMachineShowsWhatWasSaidOfIt) {
  negotiate();
  const json entry{{"name", "machine"}, {"type", "child<virt-machine>"}};
  EXPECT_EQ(std::ranges::count(ask("qom-list", {{"path", "/"}}), entry), 1);
  EXPECT_EQ(ask("qom-get", {{"path", "/machine"}, {"property", "type"}}), "virt-machine");
  EXPECT_EQ(ask("qom-get", {{"path", "/machine"}, {"property", "graphics"}}), false);
  EXPECT_EQ(error_class(ask("qom-get", {{"path", "/machine"}, {"property", "aclint"}})), "GenericError");
  EXPECT_EQ(ask("qom-set", {{"path", "/machine"}, {"property", "graphics"}, {"value", true}})["error"]["desc"],
            "/machine: property 'graphics' is read-only");
}

TEST_F(QmpTest, LookingAtEveryTypeLeavesNothing) {
  negotiate();
  const auto before = machine_->census();
  const auto tree = machine_->tree().walk("/").value();
  for (const json& type : ask("qom-list-types", {{"implements", "device"}}))
    for (const char* command : {"device-list-properties", "qom-list-properties"})
      EXPECT_TRUE(ask(command, {{"typename", type["name"]}}).is_array()) << type;
  EXPECT_EQ(machine_->census(), before);
  EXPECT_EQ(machine_->tree().walk("/").value(), tree);
}

TEST_F(QmpTest, TheTreeCanBeWalkedAndEveryPropertyRead) {
  negotiate();
  std::vector<std::string> open{"/"};
  int properties = 0;
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    for (const json& item : ask("qom-list", {{"path", path}})) {
      const json value = ask("qom-get", {{"path", path}, {"property", item["name"]}});
      EXPECT_EQ(error_class(value.is_object() ? value : json::object()), "") << path << item << value;
      if (item["type"].get<std::string>().starts_with("child<")) open.push_back(value);
      ++properties;
    }
  }
  EXPECT_GT(properties, 50);
  EXPECT_EQ(error_class(ask("qom-list", {{"path", "/nowhere"}})), "DeviceNotFound");
  EXPECT_EQ(error_class(ask("qom-get", {{"path", "/machine"}, {"property", "x"}})), "GenericError");
  EXPECT_EQ(error_class(ask("qom-get", {{"path", "/machine/plic"}, {"property", "x"}})), "GenericError");
  EXPECT_EQ(error_class(ask("qom-set", {{"path", "/machine/plic"}, {"property", "type"}, {"value", 1}})),
            "GenericError");
}

TEST_F(QmpTest, AddressesAreExplained) {
  negotiate();
  const json ram = ask("x-explain-address", {{"address", 0x80000010U}});
  EXPECT_EQ(ram["range"]["kind"], "ram") << ram;
  const json uart = ask("x-explain-address", {{"address", 0x10000005U}});
  EXPECT_EQ(uart["range"]["owner"], "/machine/serial0") << uart;
  EXPECT_FALSE(ask("x-explain-address", {{"address", 0x1f000000U}}).contains("range"));
  EXPECT_EQ(error_class(ask("x-explain-address", {{"address", -1}})), "GenericError");
  EXPECT_EQ(error_class(ask("x-explain-address", {{"address", 0}, {"space", "nowhere"}})), "GenericError");
}

TEST_F(QmpTest, WhatAnAddressHidesIsNamed) {
  negotiate();
  memory::Fabric& fabric = machine_->fabric();
  const auto hidden_by = [&](std::uint64_t address) {
    const json said = ask("x-explain-address", {{"address", address}});
    return said["shadows"].size() == 1 ? said["shadows"][0]["region"].get<std::string>() + ": " +
                                             said["shadows"][0]["because"].get<std::string>()
                                       : said.dump();
  };
  auto put = [&](const char* name, std::uint64_t offset, std::int32_t priority, bool enabled) {
    memory::MemoryRegion region = memory::MemoryRegion::reservation(
        fabric, {.name = name, .size = 0x1000});
    memory::Transaction transaction;
    transaction.add(machine_->bus().memory().region(), offset, region, priority);
    transaction.set_enabled(region, enabled);
    EXPECT_TRUE(fabric.commit(std::move(transaction)));
    return region;
  };
  const auto low = put("low", 0x1a00'0000, 0, true);
  const auto high = put("high", 0x1a00'0800, 5, true);
  EXPECT_EQ(hidden_by(0x1a00'0800), "low: 'high' has priority 5, and 'low' has 0");
  EXPECT_EQ(ask("x-explain-address", {{"address", 0x1a00'0000U}})["shadows"].size(), 0U);
  const auto off = put("off", 0x1b00'0000, 0, false);
  EXPECT_EQ(hidden_by(0x1b00'0000), "off: 'off' is disabled");
  const auto first = put("first", 0x1c00'0000, 0, true);
  const auto second = put("second", 0x1c00'0000, 0, true);
  EXPECT_EQ(hidden_by(0x1c00'0000), "first: 'second' has the same priority, 0, and came later");
}

TEST_F(QmpTest, TheMapIsShownWithItsTreesViewsAndOwners) {
  negotiate();
  const json map = ask("x-query-memory-map");
  const auto& spaces = map["spaces"];
  const auto bus = std::ranges::find_if(spaces, [](const json& space) { return space["name"] == "memory"; });
  ASSERT_NE(bus, spaces.end());
  const json& root = map["regions"][(*bus)["root"].get<std::size_t>()];
  EXPECT_GT(root["children"].size(), 5U);
  const json& view = map["views"][(*bus)["view"].get<std::size_t>()];
  EXPECT_GT(view["ranges"].size(), 5U);
  EXPECT_TRUE(std::ranges::any_of(view["ranges"], [](const json& range) {
    return range.value("owner", "") == "/machine/serial0";
  }));
}

TEST_F(QmpTest, PciFunctionsAreListed) {
  negotiate();
  const machine::DeviceAdder starting{*machine_, types_, nullptr, {}, machine::DeviceAdder::Time::kStart};
  ASSERT_TRUE(starting.add({.driver = "pci-testdev", .id = "t", .values = {{"addr", "5.0"}, {"bus", "pcie.0"}}}));
  const json buses = ask("query-pci");
  ASSERT_EQ(buses.size(), 1U);
  EXPECT_EQ(buses[0]["bus"], 0);
  ASSERT_EQ(buses[0]["devices"].size(), 2U);
  EXPECT_EQ(buses[0]["devices"][0]["class_info"], json({{"class", 0x600}, {"desc", "Host bridge"}}));
  EXPECT_EQ(buses[0]["devices"][1],
            json({{"bus", 0},
                  {"slot", 5},
                  {"function", 0},
                  {"class_info", {{"class", 0xff}}},
                  {"id", {{"vendor", 0x1b36}, {"device", 5}, {"subsystem-vendor", 0x1af4}, {"subsystem", 0x1100}}},
                  {"irq_pin", 0},
                  {"qdev_id", "t"},
                  {"regions",
                   {{{"bar", 0}, {"type", "memory"}, {"address", -1}, {"size", 4096}, {"prefetch", false},
                     {"mem_type_64", false}},
                    {{"bar", 1}, {"type", "io"}, {"address", -1}, {"size", 256}}}}}));
  EXPECT_EQ(error_class(ask("device_add", {{"driver", "pci-testdev"}, {"addr", "5.0"}})), "GenericError");
  EXPECT_EQ(error_class(ask("device_add", {{"driver", "pci-testdev"}, {"bus", "x"}})), "GenericError");
}

// --- devices come and go -----------------------------------------------------------------------------

TEST_F(QmpTest, ADeviceIsPluggedAndUnplugged) {
  negotiate();
  const auto before = machine_->census();
  const json plug{{"driver", "goldfish_rtc"}, {"id", "rtc1"}, {"addr", 0x1a000000U}};
  const json types = ask("qom-list-types", {{"implements", "device"}});
  std::string driver;
  for (const json& type : types)
    if (type["name"].get<std::string>().find("rtc") != std::string::npos) driver = type["name"];
  json arguments = plug;
  arguments["driver"] = driver;
  EXPECT_EQ(ask("device_add", arguments), json::object());
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(ask("qom-get", {{"path", "/machine/peripheral/rtc1"}, {"property", "type"}}), driver);
  EXPECT_EQ(error_class(ask("device_add", arguments)), "GenericError") << "the id is taken";
  const auto said = say("{'execute':'device_del','arguments':{'id':'rtc1'}}");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0], json({{"return", json::object()}}));
  EXPECT_EQ(said[1]["event"], "DEVICE_DELETED");
  EXPECT_EQ(said[1]["data"], json({{"device", "rtc1"}, {"path", "/machine/peripheral/rtc1"}}));
  EXPECT_EQ(error_class(ask("device_del", {{"id", "rtc1"}})), "DeviceNotFound");
  EXPECT_EQ(machine_->census(), before);
  arguments.erase("id");
  EXPECT_EQ(ask("device_add", arguments), json::object());
  EXPECT_EQ(say("{'execute':'device_del','arguments':{'id':'/machine/peripheral-anon/device[0]'}}").size(),
            2U);
}

TEST_F(QmpTest, WhatCannotBePluggedChangesNothing) {
  negotiate();
  const auto before = machine_->census();
  const auto tree = machine_->tree().walk("/").value();
  for (const json& wrong : {json{{"driver", "nonsense"}}, json{{"driver", "device"}},
                            json{{"driver", "rv64-riscv-cpu"}}, json{{"driver", 1}}, json::object(),
                            json{{"driver", "ns16550a"}, {"id", "a/b"}, {"addr", 1}},
                            json{{"driver", "ns16550a"}, {"id", ""}, {"addr", 1}},
                            json{{"driver", "ns16550a"}, {"id", "u"}, {"addr", "x"}},
                            json{{"driver", "ns16550a"}, {"id", "u"}},
                            json{{"driver", "ns16550a"}, {"id", "u"}, {"addr", 4096}, {"bus", "b"}},
                            json{{"driver", "ns16550a"}, {"id", "u"}, {"addr", 4096}, {"no", 1}},
                            json{{"driver", "ns16550a"}, {"id", "u"}, {"addr", 4096}, {"chardev", "no"}}})
    EXPECT_EQ(error_class(ask("device_add", wrong)), "GenericError") << wrong;
  EXPECT_EQ(error_class(ask("device_del", {{"id", "plic"}})), "DeviceNotFound");
  EXPECT_EQ(error_class(ask("device_del", {{"id", "/machine/plic"}})), "GenericError");
  EXPECT_EQ(machine_->census(), before);
  EXPECT_EQ(machine_->tree().walk("/").value(), tree);
}

// The command line gives the same texts; see tests/unit/machine/device_adder_test.cpp for all of them.
TEST_F(QmpTest, WhatIsWrongWithADeviceIsSaid) {
  negotiate();
  const auto said = [this](const json& arguments) {
    const json answer = ask("device_add", arguments);
    return answer.contains("error") ? answer["error"]["desc"].get<std::string>() : "";
  };
  EXPECT_EQ(said({{"driver", "ns16550"}}), "there is no device type 'ns16550'; did you mean 'ns16550a'?");
  EXPECT_EQ(said({{"driver", "ns16550a"}, {"addr", 0x18000000U}, {"colour", 1}}),
            "'ns16550a' has no property 'colour'; it has addr, irq, chardev, clock-frequency");
  EXPECT_EQ(said({{"driver", "ns16550a"}, {"addr", 0x10000000U}}),
            "serial0:regs [0x10000000, 0x10000007] of 'ns16550a' overlaps "
            "peripheral-anon/device[0]:regs [0x10000000, 0x10000007] of 'ns16550a'");
  EXPECT_EQ(said({{"driver", "ns16550a"}, {"addr", {1}}}), "addr takes no list or object");
  EXPECT_EQ(said({{"driver", "fw_cfg_mem"}, {"addr", 0}}),
            "'fw_cfg_mem' comes with the machine; -fw_cfg gives files to the one there is");
}

TEST_F(QmpTest, CpusComeAndGoInTheirPlaces) {
  negotiate();
  EXPECT_TRUE(ask("query-machines")[0]["hotpluggable-cpus"]);
  const json places = ask("query-hotpluggable-cpus");
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0], json({{"type", "rv64-riscv-cpu"},
                             {"vcpus-count", 1},
                             {"props", {{"core-id", 0}}},
                             {"qom-path", "/machine/cpu0"}}));
  EXPECT_EQ(places[2], json({{"type", "rv64-riscv-cpu"}, {"vcpus-count", 1}, {"props", {{"core-id", 2}}}}));
  EXPECT_EQ(ask("query-cpus-fast").size(), 1U);

  const auto before = machine_->census();
  json wish = places[2]["props"];  // as clients do: the place says what to ask for
  wish.update({{"driver", places[2]["type"]}, {"id", "c2"}});
  EXPECT_EQ(ask("device_add", wish), json::object());
  EXPECT_EQ(ask("query-hotpluggable-cpus")[2]["qom-path"], "/machine/peripheral/c2");
  const json cpus = ask("query-cpus-fast");
  ASSERT_EQ(cpus.size(), 2U);
  EXPECT_EQ(cpus[1]["props"], json({{"core-id", 2}}));
  wish["id"] = "again";
  EXPECT_EQ(ask("device_add", wish)["error"]["desc"],
            "core-id 2 is taken by /machine/peripheral/c2; it takes 1");
  const auto said = say("{'execute':'device_del','arguments':{'id':'c2'}}");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[1]["data"], json({{"device", "c2"}, {"path", "/machine/peripheral/c2"}}));
  EXPECT_EQ(ask("query-hotpluggable-cpus"), places);
  EXPECT_EQ(machine_->census(), before);
}

TEST_F(QmpTest, TheCpuThatBootedMayGoAndAnotherTakesItsPlace) {
  negotiate();
  const auto said = say("{'execute':'device_del','arguments':{'id':'/machine/cpu0'}}");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[1]["data"], json({{"path", "/machine/cpu0"}}));
  EXPECT_EQ(ask("query-cpus-fast"), json::array());
  EXPECT_FALSE(ask("query-hotpluggable-cpus")[0].contains("qom-path"));
  EXPECT_EQ(ask("device_add", {{"driver", "rv64-riscv-cpu"}, {"core-id", 0}}), json::object());
  EXPECT_EQ(ask("query-hotpluggable-cpus")[0]["qom-path"], "/machine/peripheral-anon/device[0]");
}

TEST_F(QmpTest, MemoryIsPluggedAndUnplugged) {
  negotiate();
  const auto before = machine_->census();
  constexpr std::uint64_t kBase = 0xc000'0000;  // the first GiB border above the RAM
  constexpr std::uint64_t kMiB = 1U << 20U;
  EXPECT_EQ(ask("query-memdev"), json::array());
  EXPECT_EQ(ask("query-memory-devices"), json::array());
  EXPECT_EQ(ask("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "m1"}, {"size", 16 * kMiB}}),
            json::object());
  EXPECT_EQ(ask("query-memdev"), json::array({{{"id", "m1"},
                                               {"size", 16 * kMiB},
                                               {"merge", false},
                                               {"dump", true},
                                               {"prealloc", false},
                                               {"share", false},
                                               {"reserve", false},
                                               {"host-nodes", json::array()},
                                               {"policy", "default"}}}));
  EXPECT_EQ(ask("qom-get", {{"path", "/objects/m1"}, {"property", "size"}}), 16 * kMiB);
  EXPECT_EQ(ask("device_add", {{"driver", "pc-dimm"}, {"id", "d1"}, {"memdev", "m1"}}), json::object());
  EXPECT_EQ(ask("query-memory-devices"), json::array({{{"type", "dimm"},
                                                       {"data",
                                                        {{"id", "d1"},
                                                         {"addr", kBase},
                                                         {"size", 16 * kMiB},
                                                         {"slot", 0},
                                                         {"node", 0},
                                                         {"memdev", "/objects/m1"},
                                                         {"hotplugged", true},
                                                         {"hotpluggable", true}}}}}));
  EXPECT_EQ(ask("query-memory-size-summary"),
            json({{"base-memory", 16 * kMiB}, {"plugged-memory", 16 * kMiB}}));
  EXPECT_EQ(ask("x-explain-address", {{"address", kBase + 16 * kMiB - 1}})["range"]["kind"], "ram");
  EXPECT_EQ(ask("object-del", {{"id", "m1"}})["error"]["desc"],
            "object 'm1' is in use by /machine/peripheral/d1; it can be deleted when that has gone");
  const auto said = say("{'execute':'device_del','arguments':{'id':'d1'}}");
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[1]["data"], json({{"device", "d1"}, {"path", "/machine/peripheral/d1"}}));
  EXPECT_FALSE(ask("x-explain-address", {{"address", kBase}}).contains("range"));
  EXPECT_EQ(ask("query-memory-devices"), json::array());
  EXPECT_EQ(ask("object-del", {{"id", "m1"}}), json::object());
  EXPECT_EQ(ask("query-memdev"), json::array());
  EXPECT_EQ(machine_->census(), before);
}

TEST_F(QmpTest, ADeviceShowsWhatItWasConfiguredWith) {
  negotiate();
  ask("blockdev-add", {{"driver", "null-co"}, {"node-name", "d"}});
  const machine::DeviceAdder starting{*machine_, types_, board_.expansion(), {}, machine::DeviceAdder::Time::kStart};
  for (const char* id : {"m1", "m2"})
    ask("object-add", {{"qom-type", "memory-backend-ram"}, {"id", id}, {"size", 1U << 20U}});
  ASSERT_TRUE(starting.add({.driver = "nvme",
                            .id = "n",
                            .values = {{"serial", "abc"}, {"drive", "d"}, {"mdts", "5"}, {"pmrdev", "m1"}}}));
  ASSERT_TRUE(starting.add({.driver = "pc-dimm", .id = "m", .values = {{"memdev", "/objects/m2"}}}));
  ASSERT_TRUE(starting.add({.driver = "pcie-root-port", .id = "r", .values = {{"slot", "3"}, {"chassis", "4"}}}));
  ASSERT_TRUE(starting.add({.driver = "pci-testdev", .id = "t", .values = {{"membar", "1M"}}}));
  ASSERT_EQ(ask("device_add", {{"driver", "nvme"}, {"id", "h"}, {"serial", "s"}, {"bus", "r"}, {"addr", 0}}),
            json::object());
  const auto get = [&](const std::string& id, const char* name) {
    return ask("qom-get", {{"path", "/machine/peripheral/" + id}, {"property", name}});
  };
  // As Debian's QEMU answers.
  struct Shown {
    std::string id;
    const char* name;
    const char* type;
    json value;
  };
  const std::vector<Shown> shown{{"n", "serial", "str", "abc"},
                                 {"n", "drive", "str", "d"},
                                 {"n", "mdts", "uint8", 5},
                                 {"n", "max_ioqpairs", "uint32", 64},
                                 {"n", "msix_qsize", "uint16", 65},
                                 {"n", "aerl", "uint8", 3},
                                 {"n", "cmb_size_mb", "uint32", 0},
                                 {"n", "logical_block_size", "size", 512},
                                 {"n", "pmrdev", "link<memory-backend>", "/objects/m1"},
                                 {"m", "memdev", "link<memory-backend>", "/objects/m2"},
                                 {"n", "x-delay-us", "uint64", 0},
                                 {"n", "realized", "bool", true},
                                 {"n", "hotplugged", "bool", false},
                                 {"n", "parent_bus", "link<bus>", "/machine/pcie/pcie.0"},
                                 {"r", "port", "uint8", 0},
                                 {"r", "slot", "uint16", 3},
                                 {"r", "chassis", "uint8", 4},
                                 {"r", "hotplug", "bool", true},
                                 {"t", "membar", "size", 1U << 20U},
                                 {"h", "drive", "str", ""},
                                 {"h", "pmrdev", "link<memory-backend>", ""},
                                 {"h", "hotplugged", "bool", true},
                                 {"h", "parent_bus", "link<bus>", "/machine/peripheral/r/r"}};
  for (const auto& [id, name, type, value] : shown) {
    EXPECT_EQ(get(id, name), value) << id << "." << name;
    const json listed = ask("qom-list", {{"path", "/machine/peripheral/" + id}});
    EXPECT_EQ(std::ranges::count(listed, json{{"name", name}, {"type", type}}), 1) << id << "." << name;
    EXPECT_EQ(ask("qom-set", {{"path", "/machine/peripheral/" + id}, {"property", name}, {"value", value}})["error"]["desc"],
              "/machine/peripheral/" + id + ": property '" + name + "' is read-only");
  }
  EXPECT_EQ(ask("qom-get", {{"path", get("h", "parent_bus")}, {"property", "type"}}), "PCIE");
  EXPECT_EQ(ask("qom-get", {{"path", "/machine/serial0"}, {"property", "parent_bus"}}), "");
  EXPECT_TRUE(machine_->unplug("peripheral/n")->wait());
  EXPECT_EQ(ask("blockdev-del", {{"node-name", "d"}}), json::object()) << "what is shown keeps nothing";
}

TEST_F(QmpTest, ABusThatIsCalledAsAPropertyHidesIt) {
  negotiate();
  const machine::DeviceAdder starting{*machine_, types_, board_.expansion(), {}, machine::DeviceAdder::Time::kStart};
  ASSERT_TRUE(starting.add({.driver = "pcie-root-port", .id = "port", .values = {{"port", "7"}}}));
  const std::string path = "/machine/peripheral/port";
  std::vector<json> called;
  for (const json& one : ask("qom-list", {{"path", path}}))
    if (one["name"] == "port") called.push_back(one["type"]);
  EXPECT_EQ(called, std::vector<json>{"child<PCIE>"});
  EXPECT_EQ(ask("qom-get", {{"path", path}, {"property", "port"}}), path + "/port");
}

TEST_F(QmpTest, WhatMemoryCannotBeAddedChangesNothing) {
  negotiate();
  constexpr std::uint64_t kMiB = 1U << 20U;
  for (const char* id : {"m1", "m2", "m3"})
    ask("object-add", {{"qom-type", "memory-backend-memfd"}, {"id", id}, {"size", 16 * kMiB}});
  ask("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "big"}, {"size", 64 * kMiB}});
  ask("device_add", {{"driver", "pc-dimm"}, {"id", "d1"}, {"memdev", "m1"}, {"slot", 1}});
  const auto before = machine_->census();
  const auto tree = machine_->tree().walk("/").value();
  const auto refused = [this](const char* command, const json& arguments) {
    const json answer = ask(command, arguments);
    return answer.contains("error") ? answer["error"]["desc"].get<std::string>() : "";
  };
  const auto dimm = [&](json more) {
    more.update({{"driver", "pc-dimm"}, {"id", "d2"}});
    return refused("device_add", more);
  };
  EXPECT_EQ(dimm({{"slot", 0}}), "memdev is missing; it takes the id of a memory object");
  EXPECT_EQ(dimm({{"memdev", "no"}}), "there is no memory 'no'; it takes the id of a memory object");
  EXPECT_EQ(dimm({{"memdev", "m1"}}), "memory 'm1' is in use by /machine/peripheral/d1; it takes one that is not");
  EXPECT_EQ(dimm({{"memdev", "m2"}, {"slot", 1}}), "slot 1 is taken by /machine/peripheral/d1; it takes 0");
  EXPECT_EQ(dimm({{"memdev", "m2"}, {"slot", 2}}), "slot is 2; it takes 0");
  EXPECT_EQ(dimm({{"memdev", "m2"}, {"node", 1}}), "node is 1; it takes a whole number from 0 to 0");
  EXPECT_EQ(dimm({{"memdev", "m2"}, {"addr", 0x80000000U}}),
            "addr is '2147483648'; it takes a multiple of 4096 from which 16777216 bytes lie between "
            "0xc0000000 and 0xc2ffffff");
  EXPECT_EQ(dimm({{"memdev", "m2"}, {"addr", 0xc0800000U}}),
            "peripheral/d1:ram [0xc0000000, 0xc0ffffff] of 'pc-dimm' overlaps "
            "peripheral/d2:ram [0xc0800000, 0xc17fffff] of 'pc-dimm'");
  EXPECT_EQ(dimm({{"memdev", "big"}}),
            "there is no room for 67108864 bytes between 0xc0000000 and 0xc2ffffff; -m maxmem= says how "
            "much there is");
  const auto object = [&](json more) {
    more.update({{"id", "x"}});
    return refused("object-add", more);
  };
  EXPECT_EQ(object({{"qom-type", "nonsense"}}),
            "there is no type 'nonsense'; there are iothread, memory-backend-file, "
            "memory-backend-memfd and memory-backend-ram");
  for (const json& size : {json("1048576"), json("1M"), json(1048576.9), json(true), json::array(), json()})
    EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}, {"size", size}}),
              "object-add: argument 'size' takes a whole number");
  for (const char* flag : {"share", "prealloc", "merge", "dump", "reserve"})
    EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}, {"size", 4096}, {flag, "on"}}),
              fmt::format("object-add: argument '{}' takes true or false", flag));
  EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}, {"size", 4096}, {"share", 1}}),
            "object-add: argument 'share' takes true or false");
  EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}, {"size", 4096}, {"policy", "bind"}}),
            "object-add: argument 'policy' takes default");
  EXPECT_EQ(object({{"qom-type", "memory-backend-file"}, {"size", 4096}, {"mem-path", 7}}),
            "object-add: argument 'mem-path' takes text");
  EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}}), "size is missing; it takes a size, such as 128M");
  EXPECT_EQ(object({{"qom-type", "memory-backend-ram"}, {"size", 5}}),
            "size is 5; it takes a positive multiple of 4096");
  EXPECT_NE(object({{"qom-type", "memory-backend-ram"}, {"size", 4096}, {"mem-path", "x"}}), "");
  EXPECT_NE(object({{"qom-type", "memory-backend-file"}, {"size", 4096}, {"mem-path", "/no/such"}}), "");
  EXPECT_NE(object({{"qom-type", "memory-backend-ram"}, {"size", std::uint64_t{1} << 62U}}), "")
      << "the host refuses now, not when it is plugged";
  EXPECT_EQ(refused("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "m1"}, {"size", 4096}}),
            "id 'm1' is taken; it takes one that no object has");
  EXPECT_EQ(refused("object-add", {{"qom-type", "memory-backend-ram"}, {"id", "a/b"}, {"size", 4096}}),
            "id is 'a/b'; it takes letters, digits, '-', '.' and '_', a letter first");
  EXPECT_EQ(refused("object-del", {{"id", "x"}}), "object 'x' not found");
  EXPECT_EQ(machine_->census(), before);
  EXPECT_EQ(machine_->tree().walk("/").value(), tree);
  EXPECT_EQ(dimm({{"memdev", "m2"}}), "") << "the world is as it was";
  EXPECT_EQ(refused("device_add", {{"driver", "pc-dimm"}, {"memdev", "m3"}}), "all 2 slots for memory are taken");
}

TEST_F(QmpTest, WhatNodesAreMadeOfIsOfItsKind) {
  negotiate();
  const auto refused = [this](json more) {
    json node{{"driver", "null-co"}, {"node-name", "n"}};
    node.update(more);
    const json answer = ask("blockdev-add", node);
    return answer.contains("error") ? answer["error"]["desc"].get<std::string>() : "";
  };
  EXPECT_EQ(refused({{"size", "1M"}}), "blockdev-add: argument 'size' takes a whole number");
  EXPECT_EQ(refused({{"size", 512.5}}), "blockdev-add: argument 'size' takes a whole number");
  EXPECT_EQ(refused({{"read-only", "on"}}), "blockdev-add: argument 'read-only' takes true or false");
  EXPECT_EQ(refused({{"read-zeroes", 1}}), "blockdev-add: argument 'read-zeroes' takes true or false");
  EXPECT_EQ(refused({{"driver", "file"}, {"filename", 5}}), "blockdev-add: argument 'filename' takes text");
  EXPECT_EQ(refused({{"cache", {{"direct", "on"}}}}),
            "blockdev-add: argument 'cache' takes in its 'direct' true or false");
  EXPECT_EQ(refused({{"cache.direct", "on"}}),
            "there is no 'cache.direct'; what is inside of something is its object");
  const json inner{{"driver", "null-co"}, {"size", "1M"}};
  EXPECT_EQ(refused({{"driver", "raw"}, {"file", inner}}), "blockdev-add: argument 'size' takes a whole number");
  EXPECT_EQ(refused({{"driver", "raw"}, {"file", {{"driver", "raw"}, {"file", inner}}}}),
            "blockdev-add: argument 'size' takes a whole number");
  EXPECT_EQ(refused({{"driver", "nbd"}, {"server", {{"type", "inet"}, {"host", 1}, {"port", 1}}}}),
            "blockdev-add: argument 'server' takes in its 'host' text");
  EXPECT_EQ(ask("query-named-block-nodes"), json::array());
  EXPECT_EQ(refused({{"size", 1024}, {"read-only", true}, {"cache", {{"direct", true}}}}), "");
}

TEST_F(QmpTest, ChoicesAreNamed) {
  negotiate();
  EXPECT_EQ(ask("set-action", {{"reboot", "never"}})["error"]["desc"],
            "set-action: argument 'reboot' takes reset, shutdown");
}

TEST_F(QmpTest, WhatIsShownAndNotSetIsReadOnly) {
  negotiate();
  const auto refused = [this](const char* path, const char* property) {
    return ask("qom-set", {{"path", path}, {"property", property}, {"value", 5}})["error"]["desc"];
  };
  EXPECT_EQ(refused("/machine/serial0", "scr"), "/machine/serial0: property 'scr' is read-only");
  EXPECT_EQ(refused("/machine/serial0", "type"), "/machine/serial0: property 'type' is read-only");
  EXPECT_EQ(refused("/machine", "serial0"), "/machine: property 'serial0' is read-only");
  EXPECT_NE(refused("/machine/serial0", "nothing").get<std::string>().find("has no property 'nothing'"),
            std::string::npos);
}

// --- hazards, by their numbers in docs/lifetimes.md --------------------------------------------------

TEST_F(QmpTest, H21_ASecondUnplugAndAnIdInReuseAreRefusedUntilTheDeviceHasGone) {
  negotiate();
  const json wish{{"driver", "goldfish_rtc"}, {"id", "rtc1"}, {"addr", kFree}};
  ASSERT_EQ(ask("device_add", wish), json::object());
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("gate.entered", "cpu");
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "cpu"}};
  testing::Thread cpu{"cpu", [&] {
                        memory::Port port{space};
                        std::uint64_t value = 0;
                        static_cast<void>(port.load(kFree, 4, value, {}));
                      }};
  inside.wait_reached();
  // Two requests before the machine has come to the first one: the second is one too many.
  const auto both = say("{'execute':'device_del','arguments':{'id':'rtc1'}}"
                        "{'execute':'device_del','arguments':{'id':'rtc1'}}");
  ASSERT_EQ(both.size(), 2U) << "and no event: somebody is inside";
  EXPECT_EQ(both[0], json({{"return", json::object()}}));
  EXPECT_EQ(both[1].value("error", json()),
            json({{"class", "GenericError"}, {"desc", "device 'rtc1' is being unplugged already"}}));
  EXPECT_EQ(error_class(ask("device_del", {{"id", "rtc1"}})), "DeviceNotFound") << "it is severed";
  EXPECT_EQ(ask("device_add", wish)["error"]["desc"],
            "id 'rtc1' is that of a device that is being removed; it is free when that is done");
  inside.release();
  cpu.join();
  machine_->control().wait_until([&] { return machine_->tickets_now().empty(); });
  const auto events = hear();
  EXPECT_EQ(names(events), std::vector<std::string>{"DEVICE_DELETED"}) << "once";
  EXPECT_EQ(ask("device_add", wish), json::object()) << "the id is free when the event is sent";
}

TEST_F(QmpTest, OutOfBandAnswersWhileACommandWaitsForATicket) {
  negotiate();
  boards::BoardPlan plan{"plug"};
  const auto device = plan.add<test::Scratch>("peripheral/s1", test::Scratch::Config{});
  plan.map_into(plan.existing("bus").region("memory"), {{kFree, device.region("regs")}});
  ASSERT_TRUE(machine_->realize(plan));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "cpu"}};
  testing::Thread cpu{"cpu", [&] {
                        memory::Port port{space};
                        std::uint64_t value = 0;
                        static_cast<void>(port.load(kFree + test::Scratch::kTrap, 4, value, {}));
                      }};
  inside.wait_reached();
  EXPECT_EQ(ask("device_del", {{"id", "s1"}}), json::object());
  EXPECT_EQ(error_class(ask("device_del", {{"id", "s1"}})), "DeviceNotFound") << "severed by now";
  EXPECT_TRUE(say("{'execute':'x-wait-ticket','arguments':{'id':'s1'},'id':1}"
                  "{'execute':'query-name','id':2}")
                  .empty());
  const auto now = say("{'exec-oob':'x-query-tickets','id':3}{'exec-oob':'migrate-pause','id':4}"
                       "{'exec-oob':'query-name','id':5}");
  ASSERT_EQ(now.size(), 3U);
  EXPECT_EQ(now[0]["id"], 3);
  EXPECT_EQ(now[0]["return"][0]["path"], "/machine/peripheral/s1");
  EXPECT_EQ(now[0]["return"][0]["inside"][0]["device"], "/machine/peripheral/s1") << now[0];
  EXPECT_EQ(error_class(now[1]), "GenericError");
  EXPECT_EQ(error_class(now[2]), "GenericError") << "not one of those";
  inside.release();
  cpu.join();
  std::vector<json> rest;
  machine_->control().wait_until([&] { return machine_->tickets_now().empty(); });
  for (json& more : hear()) rest.push_back(more);
  ASSERT_EQ(rest.size(), 3U);
  EXPECT_EQ(rest[0]["event"], "DEVICE_DELETED");
  EXPECT_EQ(rest[1]["id"], 1);
  EXPECT_EQ(rest[1]["return"]["stage"], "reclaimed");
  EXPECT_EQ(rest[2]["id"], 2) << "waited behind it";
}

// Behind more than are kept of those who do not use it; until so much waits that memory counts.
TEST_F(QmpTest, OutOfBandIsHeardBehindAnyNumberOfCommandsThatWait) {
  negotiate();
  boards::BoardPlan plan{"plug"};
  const auto device = plan.add<test::Scratch>("peripheral/s1", test::Scratch::Config{});
  plan.map_into(plan.existing("bus").region("memory"), {{kFree, device.region("regs")}});
  ASSERT_TRUE(machine_->realize(plan));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "cpu"}};
  testing::Thread cpu{"cpu", [&] {
                        memory::Port port{space};
                        std::uint64_t value = 0;
                        static_cast<void>(port.load(kFree + test::Scratch::kTrap, 4, value, {}));
                      }};
  inside.wait_reached();
  ask("device_del", {{"id", "s1"}});
  constexpr unsigned kMany = 100;
  std::string text = "{'execute':'x-wait-ticket','arguments':{'id':'s1'}}";
  for (unsigned i = 0; i < kMany; ++i) text += "{'execute':'query-name'}";
  EXPECT_TRUE(say(text).empty());
  EXPECT_EQ(say("{'exec-oob':'migrate-pause','id':1}").at(0)["id"], 1);
  const std::string large = "{'execute':'query-name','id':'" + std::string(1 << 18, 'x') + "'}";
  EXPECT_TRUE(say(large + large + large + large + large).empty());
  EXPECT_TRUE(say("{'exec-oob':'migrate-pause','id':2}").empty()) << "a MiB waits: nothing more is taken";
  inside.release();
  cpu.join();
  machine_->control().wait_until([&] { return machine_->tickets_now().empty(); });
  const auto said = hear();
  ASSERT_EQ(said.size(), 1U + 1U + kMany + 5U + 1U);
  EXPECT_EQ(std::ranges::count_if(said, [](const json& one) { return one.value("id", json()) == 2; }), 1);
}

TEST_F(QmpTest, WhatWaitedIsAnsweredNoFurtherThanTheClientReads) {
  Client deaf{*machine_, chardev::RingBuffer::kDefaultSize};
  ASSERT_TRUE(server_->serve(deaf.backend()));
  deaf.hear();
  deaf.say("{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}");
  boards::BoardPlan plan{"plug"};
  const auto device = plan.add<test::Scratch>("peripheral/s1", test::Scratch::Config{});
  plan.map_into(plan.existing("bus").region("memory"), {{kFree, device.region("regs")}});
  ASSERT_TRUE(machine_->realize(plan));
  testing::Schedule schedule;
  auto& inside = schedule.stop_at("test.in_callback", "cpu");
  memory::AddressSpace space{machine_->fabric(), machine_->bus().memory().region(), {.name = "cpu"}};
  testing::Thread cpu{"cpu", [&] {
                        memory::Port port{space};
                        std::uint64_t value = 0;
                        static_cast<void>(port.load(kFree + test::Scratch::kTrap, 4, value, {}));
                      }};
  inside.wait_reached();
  negotiate();
  ask("device_del", {{"id", "s1"}});
  std::string text = "{'execute':'x-wait-ticket','arguments':{'id':'s1'}}";
  for (int i = 0; i < 100; ++i) text += "{'execute':'query-qmp-schema'}";  // some 10 MiB of answers
  text += "{'execute':'object-add','arguments':{'qom-type':'memory-backend-ram','id':'m','size':4096}}";
  deaf.backend().feed(text);
  while (machine_->loop().run_ready() != 0) {
  }
  inside.release();
  cpu.join();
  machine_->control().wait_until([&] { return machine_->tickets_now().empty(); });
  EXPECT_EQ(error_class(ask("qom-list", {{"path", "/objects/m"}})), "DeviceNotFound") << "it is not yet its turn";
  deaf.hear();
  EXPECT_EQ(error_class(ask("qom-list", {{"path", "/objects/m"}})), "");
  server_.reset();  // which uses it
}

TEST_F(QmpTest, AKeyThatIsThereTwiceIsAnError) {
  negotiate();
  for (const char* twice :
       {"{'execute':'query-name','execute':'query-name'}", "{'execute':'query-name','id':1,'id':1}",
        "{'execute':'query-name','arguments':{'a':[{'x':1,'y':{},'x':1}]}}",
        "{'execute':'query-name','\\u0065xecute':'query-name'}"}) {
    const auto said = say(twice);
    ASSERT_EQ(said.size(), 1U) << twice;
    EXPECT_EQ(error_class(said[0]), "GenericError") << twice;
    EXPECT_NE(said[0]["error"]["desc"].get<std::string>().find("twice"), std::string::npos) << said[0];
  }
  EXPECT_EQ(say("{'execute':'query-name','id':[{'x':1},{'x':1,'y':{'x':1}}]}").at(0)["return"]["name"], "test");
}

TEST_F(QmpTest, ListsWhatSaysWhereACpuGoes) {
  negotiate();
  std::set<std::string> names;
  for (const json& one : ask("device-list-properties", {{"typename", "rv64-riscv-cpu"}}))
    names.insert(one["name"].get<std::string>());
  EXPECT_TRUE(names.contains("core-id") && names.contains("node-id"));
}

TEST_F(QmpTest, PeopleAreAnsweredInASentence) {
  negotiate();
  const json answer = ask("human-monitor-command", {{"command-line", "frobnicate now"}});
  EXPECT_TRUE(answer.is_string()) << answer;
}

TEST_F(QmpTest, TheServerGoesAndLeavesNothing) {
  server_.reset();
  const auto before = machine_->census();
  server_.emplace(*machine_, types_, QmpServer::About{});
  ASSERT_TRUE(server_->serve(client_->backend()));
  client_->say("{'execute':'qmp_capabilities'}{'execute':'x-query-memory");
  server_.reset();
  client_->hear();
  EXPECT_EQ(machine_->census(), before);
}

}  // namespace
}  // namespace holdfast::control
