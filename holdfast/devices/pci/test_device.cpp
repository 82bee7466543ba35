// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/test_device.hpp"

#include <bit>

namespace holdfast::devices::pci {
namespace {

constexpr std::array<std::string_view, 3> kTests{"no-eventfd", "wildcard-eventfd", "datamatch-eventfd"};
constexpr std::uint8_t kWildcard = 1;
constexpr std::uint8_t kNone = 0xff;
constexpr std::uint32_t kDatum = 0xfa;
constexpr std::uint64_t kLeastMembar = 16;

// Offsets in a header.
constexpr std::uint64_t kTest = 0;
constexpr std::uint64_t kWidth = 1;
constexpr std::uint64_t kOffset = 4;
constexpr std::uint64_t kData = 8;
constexpr std::uint64_t kCount = 12;
constexpr std::uint64_t kName = 16;

std::uint8_t byte_of(std::uint64_t value, std::uint64_t at) {
  return static_cast<std::uint8_t>(value >> (8 * at));
}

}  // namespace

constinit const object::Type TestDevice::kType{.name = "pci-testdev",
                                               .parent = &Function::kType,
                                               .docs = "A PCI function to try out accesses on."};

TestDevice::TestDevice(const hw::DeviceInit& init, const Config& config)
    : Function{init, {.vendor = 0x1b36, .device = 0x0005, .class_code = 0x00'ff'00}},
      config_{config},
      memory_{*this, "mmio", 4096},
      io_{*this, "portio", 256} {
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

TestDevice::Face::Face(TestDevice& device, const char* type, std::uint64_t bytes)
    : type_{type},
      bytes_{bytes},
      test_{device, type_ + "-test", kNone},
      count_{device, type_ + "-count"},
      region_{device, type_, bytes, *this} {}

std::uint8_t TestDevice::Face::header_byte(std::uint64_t offset) const {
  if (test_ == kNone) return 0;
  if (offset >= kName) {
    const std::string name = type_ + "-" + std::string{kTests[test_]};
    return offset - kName < name.size() ? static_cast<std::uint8_t>(name[offset - kName]) : std::uint8_t{0};
  }
  if (offset >= kCount) return byte_of(count_, offset - kCount);
  if (offset >= kData) return byte_of(kDatum, offset - kData);
  if (offset >= kOffset) return byte_of(bytes_ / 2 + test_, offset - kOffset);
  if (offset == kWidth) return 1;
  return offset == kTest ? test_.get() : std::uint8_t{0};
}

memory::MemTxResult TestDevice::Face::read(std::uint64_t offset, unsigned size, std::uint64_t& value,
                                           memory::MemTxAttrs /*attrs*/) {
  value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= std::uint64_t{header_byte(offset + i)} << (8 * i);
  return memory::MemTxResult::kOk;
}

void TestDevice::Face::begin(std::uint8_t test) {
  test_ = test < kTests.size() ? test : kNone;
  count_ = 0U;
}

memory::MemTxResult TestDevice::Face::write(std::uint64_t offset, unsigned size, std::uint64_t value,
                                            memory::MemTxAttrs /*attrs*/) {
  if (offset == kTest) {
    begin(static_cast<std::uint8_t>(value));
    return memory::MemTxResult::kOk;
  }
  const bool here = test_ != kNone && offset == bytes_ / 2 + test_;
  if (here && (test_ == kWildcard || (size == 1 && value == kDatum))) count_ += 1U;
  return memory::MemTxResult::kOk;
}

}  // namespace holdfast::devices::pci
