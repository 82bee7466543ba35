// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/test_device.hpp"

#include <array>
#include <bit>
#include <string>
#include <string_view>

#include "holdfast/devices/pci/types.hpp"

namespace holdfast::devices::pci {
namespace {

/// A test of one BAR. Its number goes on from those of the BAR before.
struct Test {
  std::string_view name;
  std::uint8_t datum;
  bool takes_anything;
  bool has_event;
};
constexpr std::array<Test, 3> kTests{{
    {.name = "no-eventfd", .datum = 0xfa, .takes_anything = false, .has_event = false},
    {.name = "wildcard-eventfd", .datum = 0xce, .takes_anything = true, .has_event = true},
    {.name = "datamatch-eventfd", .datum = 0xfa, .takes_anything = false, .has_event = true},
}};
constexpr std::uint8_t kNone = 0xff;

struct Place {
  const char* name;
  std::uint64_t bytes;  // the second half of which the tests are in, at their numbers
};
constexpr std::array<Place, 2> kPlaces{{{.name = "mmio", .bytes = 4096}, {.name = "portio", .bytes = 256}}};

const Test& test_of(std::uint8_t number) { return kTests[number % kTests.size()]; }
std::size_t place_of(std::uint8_t number) { return number / kTests.size(); }
std::uint64_t offset_of(std::uint8_t number) { return kPlaces[place_of(number)].bytes / 2 + number; }

constexpr memory::AccessRules kTestAccess{.valid = {.min = 1, .max = 8, .unaligned = true},
                                         .impl = {.min = 1, .max = 8}};
constexpr std::uint64_t kLeastMembar = 16;

// Offsets in a header.
constexpr std::uint64_t kTest = 0;
constexpr std::uint64_t kWidth = 1;
constexpr std::uint64_t kOffset = 4;
constexpr std::uint64_t kTestData = 8;
constexpr std::uint64_t kCount = 12;
constexpr std::uint64_t kName = 16;

std::uint8_t byte_of(std::uint64_t value, std::uint64_t at) {
  return static_cast<std::uint8_t>(value >> (8 * at));
}

constexpr std::array<const object::Type*, 1> kTestDeviceAbilities{&kConventionalDevice};

}  // namespace

constinit const object::Type TestDevice::kType{.name = "pci-testdev",
                                               .parent = &Function::kType,
                                               .interfaces = kTestDeviceAbilities,
                                               .docs = "A PCI function to try out accesses on."};

TestDevice::TestDevice(const hw::DeviceInit& init, const Config& config)
    : Function{init, {.vendor = 0x1b36, .device = 0x0005, .class_code = 0x00'ff'00}},
      config_{config},
      test_{*this, "test", kNone},
      count_{*this, "count"} {
  if (config.membar < kLeastMembar || !std::has_single_bit(config.membar)) return;
  if (config.membar_backed)
    large_ = std::make_unique<hw::Ram>(*this, "membar", hw::Ram::Init{.size = config.membar});
  else
    large_ = std::make_unique<hw::Container>(*this, "membar", config.membar);
  large_bar_.emplace(*this, 2, *large_,
                     Bar::Init{.kind = Bar::Kind::kMemory64, .prefetch = Bar::Prefetch::kYes});
}

Result<void> TestDevice::check() {
  if (config_.membar == 0 || large_) return {};
  return fail("{}: membar is {}; it takes a power of two, at least {}, or 0", full_path(),
              config_.membar, kLeastMembar);
}

// --- the test that goes on -------------------------------------------------------------------------

std::uint8_t TestDevice::header_byte(std::uint64_t offset) const {
  if (test_ == kNone) return 0;
  if (offset >= kName) {
    const std::string name = std::string{kPlaces[place_of(test_)].name} + "-" + std::string{test_of(test_).name};
    return offset - kName < name.size() ? static_cast<std::uint8_t>(name[offset - kName]) : std::uint8_t{0};
  }
  if (offset >= kCount) return byte_of(count_, offset - kCount);
  if (offset >= kTestData) return byte_of(test_of(test_).datum, offset - kTestData);
  if (offset >= kOffset) return byte_of(offset_of(test_), offset - kOffset);
  if (offset == kWidth) return 1;
  return offset == kTest ? test_.get() : std::uint8_t{0};
}

void TestDevice::begin(Kind kind, std::uint8_t test) {
  const auto first = static_cast<std::size_t>(kind) * kTests.size();
  test_ = test < kTests.size() ? static_cast<std::uint8_t>(first + test) : kNone;
  count_ = 0U;
}

void TestDevice::take(Kind kind, std::uint64_t offset, std::uint8_t byte, Alone alone) {
  if (offset == kTest) return begin(kind, byte);
  if (test_ == kNone || offset != offset_of(test_)) return;
  const Test& test = test_of(test_);
  if (!test.takes_anything && byte != test.datum) return;
  const bool is_hosts = test.has_event && alone == Alone::kYes && place_of(test_) == static_cast<std::size_t>(kind);
  if (!is_hosts) count_ += 1U;
}

// --- its BARs --------------------------------------------------------------------------------------

TestDevice::Face::Face(TestDevice& device, Kind kind)
    : device_{device},
      kind_{kind},
      region_{device, kPlaces[static_cast<std::size_t>(kind)].name, kPlaces[static_cast<std::size_t>(kind)].bytes,
              *this, kTestAccess} {}

memory::MemTxResult TestDevice::Face::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                           memory::MemTxAttrs /*attrs*/) {
  value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= std::uint64_t{device_.header_byte(offset + i)} << (8 * i);
  return memory::MemTxResult::kOk;
}

// The bus makes an unaligned access of aligned ones, each as wide as can be.
memory::MemTxResult TestDevice::Face::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                            memory::MemTxAttrs /*attrs*/) {
  for (unsigned done = 0; done < size;) {
    const std::uint64_t at = offset + done;
    unsigned piece = std::bit_floor(size - done);
    while (at % piece != 0) piece /= 2;
    for (const unsigned end = done + piece; done < end; ++done)
      device_.take(kind_, offset + done, byte_of(value, done), piece == 1 ? Alone::kYes : Alone::kNo);
  }
  return memory::MemTxResult::kOk;
}

}  // namespace holdfast::devices::pci
