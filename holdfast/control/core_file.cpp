// SPDX-License-Identifier: Apache-2.0
#include "holdfast/control/core_file.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include "holdfast/control/cpu_memory.hpp"
#include "holdfast/control/cpu_sight.hpp"
#include "holdfast/control/map_look.hpp"

namespace holdfast::control {
namespace {

constexpr std::uint64_t kMost = std::uint64_t{16} << 30;  // bytes; nothing else goes on meanwhile
constexpr std::uint64_t kFilePiece = std::uint64_t{1} << 20;
constexpr std::size_t kElfHeader = 64;
constexpr std::size_t kProgramHeader = 56;
constexpr std::uint32_t kLoad = 1;
constexpr std::uint32_t kNote = 4;
constexpr std::uint32_t kStatus = 1;  // NT_PRSTATUS

/// Little-endian, as all CPUs here are.
class Bytes {
 public:
  template <std::integral T>
  void put(T value) {
    for (unsigned i = 0; i < sizeof value; ++i)
      bytes_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
  }
  void put(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
  }
  void put(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  void align(std::size_t to) { bytes_.resize((bytes_.size() + to - 1) / to * to); }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

void put_header(Bytes& out, std::uint16_t architecture, std::size_t program_headers) {
  constexpr std::uint16_t kCore = 4;
  out.put(std::string_view{"\x7f" "ELF\x02\x01\x01", 7});  // 64 bits, little-endian, version 1
  out.align(16);
  out.put(kCore);
  out.put(architecture);
  out.put(std::uint32_t{1});
  out.put(std::uint64_t{0});  // no entry
  out.put(std::uint64_t{kElfHeader});
  out.put(std::uint64_t{0});  // no sections
  out.put(std::uint32_t{0});
  out.put(static_cast<std::uint16_t>(kElfHeader));
  out.put(static_cast<std::uint16_t>(kProgramHeader));
  out.put(static_cast<std::uint16_t>(program_headers));
  out.align(kElfHeader);
}

struct Segment {
  std::uint32_t type;
  std::uint64_t at;  // in the file
  std::uint64_t address;
  std::uint64_t size;
};

void put_program_header(Bytes& out, const Segment& segment) {
  out.put(segment.type);
  out.put(std::uint32_t{0});
  out.put(segment.at);
  out.put(segment.address);
  out.put(segment.address);
  out.put(segment.size);
  out.put(segment.type == kLoad ? segment.size : std::uint64_t{0});
  out.put(std::uint64_t{0});
}

Bytes notes(machine::Machine& machine) {
  Bytes out;
  for (hw::Cpu* cpu : cpus_of(machine)) {
    const auto status = cpu->inspect()->core_status(cpu->facts().index);
    out.put(std::uint32_t{5});
    out.put(static_cast<std::uint32_t>(status.size()));
    out.put(kStatus);
    out.put(std::string_view{"CORE\0\0\0\0", 8});
    out.put(status);
    out.align(4);
  }
  return out;
}

Result<void> write_now(machine::Machine& machine, const CorePlan& plan, int file) {
  const Bytes status = notes(machine);
  std::uint64_t at = kElfHeader + kProgramHeader * (plan.ram.size() + 1);
  Bytes head;
  put_header(head, plan.architecture, plan.ram.size() + 1);
  put_program_header(head, {.type = kNote, .at = at, .address = 0, .size = status.size()});
  at += status.size();
  for (const Extent& ram : plan.ram) {
    const std::uint64_t size = ram.last - ram.first + 1;
    put_program_header(head, {.type = kLoad, .at = at, .address = ram.first, .size = size});
    at += size;
  }
  TRY(write_all(file, head.all()));
  TRY(write_all(file, status.all()));
  const auto cpus = cpus_of(machine);
  CpuSight sight{machine, cpus.front(), Eyes::kBus};
  std::vector<std::byte> piece(kFilePiece);
  for (const Extent& ram : plan.ram)
    for (std::uint64_t from = ram.first;;) {
      const std::uint64_t left = ram.last - from;  // one less than there are
      const auto now = std::span{piece}.first(std::min(left, kFilePiece - 1) + 1);
      sight.read(from, now);
      TRY(write_all(file, now));
      if (left < kFilePiece) break;
      from += kFilePiece;
    }
  return {};
}

}  // namespace

Result<CorePlan> CorePlan::make(machine::Machine& machine, std::optional<Extent> part) {
  const auto cpus = cpus_of(machine);
  const auto inspector = cpus.empty() ? nullptr : cpus.front()->inspect();
  if (!inspector) return fail("the machine has no CPU of which a core file could tell");
  CorePlan plan{.ram = {}, .architecture = inspector->elf_machine()};
  const memory::MapSnapshot map = snapshot_of(machine);
  const auto bus = std::ranges::find(map.spaces, "memory", &memory::MapSnapshot::Space::name);
  const std::optional<memory::MapSnapshot::Index> view =
      bus != map.spaces.end() ? bus->view : std::nullopt;
  if (!view) return fail("the bus shows nothing");
  for (const auto& range : map.views[*view].ranges) {
    if (map.regions[range.region].kind != memory::RegionKind::kRam) continue;
    const Extent wanted{std::max(range.extent.first, part ? part->first : 0),
                        std::min(range.extent.last, part ? part->last : kAddressMax)};
    if (wanted.first <= wanted.last) plan.ram.push_back(wanted);
  }
  if (plan.ram.empty()) return fail("there is no RAM in that part of the bus");
  if (plan.bytes() > kMost)
    return fail("{} bytes are too many for one file; begin and length say which {} it should be", plan.bytes(),
                kMost);
  return plan;
}

std::uint64_t CorePlan::bytes() const {
  std::uint64_t sum = 0;
  for (const Extent& one : ram) sum += one.last - one.first + 1;
  return sum;
}

Result<void> write_core(machine::Machine& machine, const CorePlan& plan, int file) {
  Result<void> written;
  machine.while_paused([&] { written = write_now(machine, plan, file); });
  return written;
}

}  // namespace holdfast::control
