// SPDX-License-Identifier: Apache-2.0
#include "holdfast/object/object.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace holdfast::object {
namespace {

constexpr std::array<std::string_view, 3> kModes{"auto", "on", "off"};

class Ability {
 public:
  virtual ~Ability() = default;
};

class Sink final : public Object, public Ability {
 public:
  explicit Sink(Tree& tree) : Object{kType, tree} {}
  static const Type kType;
};

class Uart final : public Object {
 public:
  explicit Uart(Tree& tree) : Object{kType, tree} {}
  static const Type kType;

  void realize() { mark_realized(); }
  void close() { closed_ = true; }
  int accesses() const { return accesses_; }
  Sink* sink() const { return sink_.get(); }

 private:
  enum class Mode { kAuto, kOn, kOff };

  std::uint32_t divisor() const { return divisor_; }
  Result<void> set_divisor(std::uint32_t divisor) {
    if (divisor % 2 != 0) return fail("it is odd");
    divisor_ = divisor;
    return {};
  }
  bool busy() const { return true; }

  Result<void> access(const std::function<Result<void>()>& body) const override {
    if (closed_) return fail("{}: it is being unplugged", path());
    ++accesses_;
    return body();
  }
  std::vector<PropertyInfo> own_properties() const override {
    return {{"lsr", "uint8", "line status", std::uint64_t{0x60}}};
  }

  std::uint32_t baud_ = 115200;
  std::uint64_t window_ = 256;
  std::string label_ = "com";
  std::uint8_t trigger_ = 1;
  std::uint32_t divisor_ = 2;
  Mode mode_ = Mode::kAuto;
  Handle<Sink> sink_;
  Handle<Ability> ability_;
  bool closed_ = false;
  mutable int accesses_ = 0;

  static const Property kProperties[];
};

constinit const Type kAbility{.name = "ability", .kind = Type::Kind::kInterface};
constinit const Type* const kSinkAbilities[] = {&kAbility};
constinit const Type Sink::kType{.name = "sink", .interfaces = kSinkAbilities};

constinit const Property Uart::kProperties[] = {
    property<&Uart::baud_>("baud", "symbols a second", {.fallback = 115200U, .min = 50}),
    size<&Uart::window_>("window", "bytes of registers", {.fallback = 256U, .max = 4096}),
    property<&Uart::label_>("label", "what is printed on it", {.fallback = "com"}),
    property<&Uart::trigger_>("trigger", "FIFO level",
                              {.max = 14, .settable = Settable::kAlways}),
    computed<&Uart::divisor, &Uart::set_divisor>("divisor", "clock divisor", {.fallback = 2U}),
    computed<&Uart::busy>("busy", "whether it sends"),
    choice<&Uart::mode_>("mode", "OnOffAuto", kModes, "whether it works"),
    link<&Uart::sink_>("sink", "sink", "where characters go"),
    link<&Uart::ability_>("ability", "ability", "who is able"),
};
constinit const Type Uart::kType{.name = "uart", .properties = Uart::kProperties};

class ObjectTest : public ::testing::Test {
 protected:
  ObjectTest() { EXPECT_TRUE(uart_->node().attach(tree_.root(), "uart0")); }

  std::string error_of(std::string_view name, const PropertyValue& value) {
    const auto result = uart_->set_property(name, value);
    return result ? "" : result.error().message;
  }
  PropertyValue get(std::string_view name) { return uart_->get_property(name).value_or("missing"); }

  Tree tree_;
  std::unique_ptr<Uart> uart_ = std::make_unique<Uart>(tree_);
};

TEST_F(ObjectTest, SetsAndReadsByName) {
  EXPECT_TRUE(uart_->set_property("baud", "9600"));
  EXPECT_TRUE(uart_->set_property("window", "1K"));
  EXPECT_TRUE(uart_->set_property("label", "console"));
  EXPECT_TRUE(uart_->set_property("mode", "off"));
  EXPECT_TRUE(uart_->set_property("divisor", std::int64_t{8}));
  EXPECT_EQ(get("baud"), PropertyValue{std::uint64_t{9600}});
  EXPECT_EQ(get("window"), PropertyValue{std::uint64_t{1024}});
  EXPECT_EQ(get("label"), PropertyValue{"console"});
  EXPECT_EQ(get("mode"), PropertyValue{"off"});
  EXPECT_EQ(get("divisor"), PropertyValue{std::uint64_t{8}});
  EXPECT_EQ(get("busy"), PropertyValue{true});
  EXPECT_EQ(get("lsr"), PropertyValue{std::uint64_t{0x60}});
}

TEST_F(ObjectTest, ErrorsNameObjectPropertyAndWhatIsAccepted) {
  EXPECT_EQ(error_of("baud", "fast"),
            "/uart0: property 'baud' does not take 'fast'; it takes a whole number from 50 to "
            "4294967295");
  EXPECT_EQ(error_of("baud", std::int64_t{-1}),
            "/uart0: property 'baud' does not take '-1'; it takes a whole number from 50 to "
            "4294967295");
  EXPECT_EQ(error_of("mode", "maybe"),
            "/uart0: property 'mode' does not take 'maybe'; it takes one of auto, on, off");
  EXPECT_EQ(error_of("divisor", "3"),
            "/uart0: property 'divisor' does not take '3': it is odd; it takes a whole number from "
            "0 to 4294967295");
  EXPECT_EQ(error_of("buad", "1"),
            "/uart0: type 'uart' has no property 'buad'; did you mean 'baud'?");
  EXPECT_EQ(error_of("busy", "off"), "/uart0: property 'busy' is read-only");
  EXPECT_EQ(error_of("lsr", "1"), "/uart0: property 'lsr' is read-only") << "its own, not its type's";
  EXPECT_FALSE(uart_->get_property("nothing"));
}

TEST_F(ObjectTest, ARefusedValueChangesNothing) {
  EXPECT_FALSE(uart_->set_property("baud", "49"));
  EXPECT_FALSE(uart_->set_property("divisor", "3"));
  EXPECT_TRUE(check_fallbacks(*uart_));
}

TEST_F(ObjectTest, AnUnattachedObjectIsNamedByItsType) {
  const Uart loose{tree_};
  EXPECT_EQ(loose.path(), "(uart)");
}

TEST_F(ObjectTest, OnlySomePropertiesCanBeSetAfterRealize) {
  uart_->realize();
  EXPECT_EQ(error_of("baud", "9600"),
            "/uart0: property 'baud' can only be set before the object is realized");
  EXPECT_TRUE(uart_->set_property("trigger", "14"));
  EXPECT_EQ(get("trigger"), PropertyValue{std::uint64_t{14}});
}

TEST_F(ObjectTest, LinksAreSetByPathAndExpire) {
  auto sink = std::make_unique<Sink>(tree_);
  ASSERT_TRUE(sink->node().attach(tree_.root(), "sink0"));
  EXPECT_EQ(get("sink"), PropertyValue{""});
  ASSERT_TRUE(uart_->set_property("sink", "sink0"));
  EXPECT_EQ(uart_->sink(), sink.get());
  EXPECT_EQ(get("sink"), PropertyValue{"/sink0"});
  sink.reset();
  EXPECT_EQ(uart_->sink(), nullptr);
  EXPECT_EQ(get("sink"), PropertyValue{""});
}

TEST_F(ObjectTest, LinksCanBeClearedAndReachInterfaces) {
  Sink sink{tree_};
  ASSERT_TRUE(sink.node().attach(tree_.root(), "sink0"));
  ASSERT_TRUE(uart_->set_property("ability", "/sink0"));
  EXPECT_EQ(get("ability"), PropertyValue{"/sink0"});
  ASSERT_TRUE(uart_->set_property("ability", ""));
  EXPECT_EQ(get("ability"), PropertyValue{""});
}

TEST_F(ObjectTest, LinksRefuseWhatIsMissingOrOfAnotherType) {
  EXPECT_EQ(error_of("sink", "/uart0"),
            "/uart0: property 'sink' does not take '/uart0': '/uart0' is of another type; it takes "
            "the path of a sink, or nothing");
  EXPECT_EQ(error_of("sink", "/nobody"),
            "/uart0: property 'sink' does not take '/nobody': '/nobody' not found: '/' has no "
            "child 'nobody'; it takes the path of a sink, or nothing");
}

TEST_F(ObjectTest, ListsAllPropertiesWithTheirTypes) {
  std::vector<std::string> lines;
  for (const auto& info : uart_->properties())
    lines.push_back(info.name + " " + info.type + " = " + to_text(info.value));
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "baud uint32 = 115200", "window size = 256", "label str = com",
                       "trigger uint8 = 1", "divisor uint32 = 2", "busy bool = on",
                       "mode OnOffAuto = auto", "sink link<sink> = ", "ability link<ability> = ",
                       "lsr uint8 = 96"}));
}

TEST_F(ObjectTest, EveryAccessorPassesTheHookOfTheLayerAbove) {
  EXPECT_TRUE(uart_->get_property("baud"));
  EXPECT_TRUE(uart_->set_property("baud", "300"));
  EXPECT_EQ(uart_->accesses(), 2);
  uart_->close();
  EXPECT_EQ(uart_->get_property("baud").error().message, "/uart0: it is being unplugged");
  EXPECT_FALSE(uart_->set_property("baud", "600"));
  EXPECT_EQ(uart_->properties().size(), 1U);  // what needs no accessor
}

TEST_F(ObjectTest, FreshObjectsHaveWhatTheTableSays) {
  EXPECT_TRUE(check_fallbacks(*uart_));
  ASSERT_TRUE(uart_->set_property("label", "other"));
  EXPECT_EQ(check_fallbacks(*uart_).error().message,
            "type 'uart': property 'label' is said to be 'com' at first and is 'other'");
}

}  // namespace
}  // namespace holdfast::object
