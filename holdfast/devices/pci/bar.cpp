// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/pci/bar.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "holdfast/base/check.hpp"
#include "holdfast/base/extent.hpp"

namespace holdfast::devices::pci {
namespace {

std::string name_of(unsigned index, const Bar::Init& init) {
  return init.kind == Bar::Kind::kRom ? "rom" : fmt::format("bar{}", index);
}

unsigned register_of(const Function& function, unsigned index, const Bar::Init& init) {
  if (init.kind != Bar::Kind::kRom) return reg::kBar0 + 4 * index;
  return function.header() == Function::Header::kBridge ? reg::kBridgeRom : reg::kRom;
}

}  // namespace

Bar::Bar(Function& function, unsigned index, hw::RegionPart& content, Init init)
    : Part{function, "bar", name_of(index, init)},
      function_{function},
      index_{index},
      at_{register_of(function, index, init)},
      content_{content},
      init_{init},
      size_{init.size != 0 ? init.size : std::max(least(), std::bit_ceil(content.size()))} {
  const bool is_rom = init.kind == Kind::kRom;
  const unsigned last = function.header() == Function::Header::kBridge ? 1 : kRomIndex - 1;
  HF_CHECK((is_rom ? index == kRomIndex : index <= last) && content.size() != 0 &&
               std::has_single_bit(size_) && size_ >= content.size(),
           "{}: a BAR of {} bytes for {} bytes", path(), size_, content.size());
  define();
  function_.bars_.push_back(this);
}

std::uint64_t Bar::least() const {
  if (init_.kind == Kind::kIo) return 4;
  return init_.kind == Kind::kRom ? 2048 : 16;
}

void Bar::define() {
  std::uint32_t kind = 0;
  if (init_.kind == Kind::kIo) kind = bar::kIo;
  if (is_wide()) kind = bar::k64Bit;
  if (is_prefetchable()) kind |= bar::kPrefetchable;
  function_.config().define(at_, 4, kind);
  if (is_wide()) function_.config().define(at_ + 4, 4, 0);
  set_mask();
}

void Bar::set_mask() {
  ConfigSpace& config = function_.config();
  const std::uint64_t mask = ~(size_ - 1);
  constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();
  config.forbid(at_, 4, kAll);
  config.allow(at_, 4, static_cast<std::uint32_t>(mask));
  if (init_.kind == Kind::kRom) config.allow(at_, 4, bar::kRomEnable);
  if (!is_wide()) return;
  config.forbid(at_ + 4, 4, kAll);
  config.allow(at_ + 4, 4, static_cast<std::uint32_t>(mask >> 32));
}

std::uint64_t Bar::address() const {
  const ConfigSpace& config = function_.config();
  std::uint64_t address = config.get(at_, 4);
  if (is_wide()) address |= std::uint64_t{config.get(at_ + 4, 4)} << 32;
  return address & ~(size_ - 1);
}

// What ends at the top of what its register can say is being sized: all ones were written to it.
std::optional<std::uint64_t> Bar::place(std::uint16_t command) const {
  const bool io = init_.kind == Kind::kIo;
  if ((command & (io ? command::kIo : command::kMemory)) == 0) return std::nullopt;
  if (init_.kind == Kind::kRom && (function_.config().get(at_, 4) & bar::kRomEnable) == 0)
    return std::nullopt;
  const std::uint64_t first = address();
  const std::uint64_t last = first + (size_ - 1);  // aligned: it does not wrap
  const std::uint64_t top = is_wide() ? kAddressMax : std::numeric_limits<std::uint32_t>::max();
  if (last >= top || (io && last >= Bus::kIoBytes)) return std::nullopt;
  return first;
}

// Taken out and put in again: its bus may have gone, and then there is no moving.
void Bar::follow(std::uint16_t command, memory::Transaction& map) {
  const auto wanted = place(command);
  if (wanted == shown_at_) return;
  if (shown_at_) map.remove(content_.region());
  if (wanted) {
    const BusControl& bus = *function_.bus();
    map.add(init_.kind == Kind::kIo ? bus.io() : bus.memory(), *wanted, content_.region(), kPriority);
  }
  shown_at_ = wanted;
}

void Bar::resize(std::uint64_t bytes) {
  HF_CHECK(std::has_single_bit(bytes) && bytes >= least(), "{}: a BAR of {} bytes", path(), bytes);
  const std::uint64_t address = this->address();
  size_ = bytes;
  set_mask();
  memory::Transaction map;
  content_.set_size(bytes, map);
  function_.post(std::move(map));
  set_address(address);
}

void Bar::set_address(std::uint64_t address) {
  ConfigSpace& config = function_.config();
  const std::uint64_t mask = ~(size_ - 1);
  // The lowest bits say what it is, a ROM's lowest whether it shows.
  const std::uint32_t kind = config.get(at_, 4) & static_cast<std::uint32_t>(least() - 1) & 0xfU;
  config.put(at_, 4, static_cast<std::uint32_t>(address & mask) | kind);
  if (is_wide()) config.put(at_ + 4, 4, static_cast<std::uint32_t>((address & mask) >> 32));
  function_.follow();
}

}  // namespace holdfast::devices::pci
