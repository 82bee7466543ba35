// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/cpu_sight.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace holdfast::control {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kReadPiece = std::uint64_t{1} << 20;

}  // namespace

CpuSight::CpuSight(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes)
    : inspector_{cpu != nullptr ? cpu->inspect() : nullptr},
      translates_{eyes == Eyes::kCpu && inspector_ != nullptr},
      port_{cpu != nullptr ? cpu->address_space()
                           : bus_.emplace(machine.fabric(), machine.bus().memory().region(),
                                          memory::AddressSpace::Init{.name = "monitor"})} {}

bool CpuSight::read(std::uint64_t address, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto physical = translate(address);
    if (!physical) return false;
    const auto now =
        std::min<std::uint64_t>(bytes.size(), translates_ ? kPage - address % kPage : bytes.size());
    port_.read(*physical, bytes.first(now));
    address += now;
    bytes = bytes.subspan(now);
  }
  return true;
}

Result<void> write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}", std::generic_category().message(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> walk_memory(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes, Extent stretch,
                         const std::function<Result<void>(std::span<const std::byte>)>& take) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(stretch.last - stretch.first, kReadPiece - 1) + 1);
  for (std::uint64_t at = stretch.first;;) {
    const std::uint64_t left = stretch.last - at;  // one less than there are
    const auto piece = std::span{buffer}.first(std::min<std::uint64_t>(left, buffer.size() - 1) + 1);
    bool mapped = false;
    std::ranges::fill(piece, std::byte{0});
    machine.while_paused([&] { mapped = CpuSight{machine, cpu, eyes}.read(at, piece); });
    if (!mapped) return fail("nothing is mapped at {:#x} or behind it", at);
    TRY(take(piece));
    if (left < buffer.size()) return {};
    at += piece.size();
  }
}

Result<void> save_memory(machine::Machine& machine, hw::Cpu* cpu, Eyes eyes, Extent stretch, int file) {
  return walk_memory(machine, cpu, eyes, stretch,
                     [file](std::span<const std::byte> bytes) { return write_all(file, bytes); });
}

}  // namespace holdfast::control
