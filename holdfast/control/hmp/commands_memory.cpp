// SPDX-License-Identifier: Apache-2.0
// What is in memory, seen as a CPU sees it or as the bus shows it.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <system_error>
#include <vector>

#include "holdfast/base/descriptor.hpp"
#include "holdfast/control/cpu_sight.hpp"
#include "holdfast/control/hmp/command.hpp"
#include "holdfast/control/map_look.hpp"
#include "holdfast/hw/cpu.hpp"

namespace holdfast::control::hmp {
namespace {

constexpr std::uint64_t kMostShown = 65'536;                      // values or instructions at once
constexpr std::uint64_t kMostMoved = std::uint64_t{1} << 32;      // bytes saved or summed up at once

/// Does it while no CPU executes anything.
Result<void> look(Call& call, Eyes eyes, const std::function<Result<void>(CpuSight&)>& body) {
  Result<void> result;
  call.machine().while_paused([&] {
    CpuSight sight{call.machine(), call.monitor.cpu(), eyes};
    result = body(sight);
  });
  return result;
}

// --- values ----------------------------------------------------------------------------------------

std::string character(std::uint64_t value) {
  switch (value) {
    case '\'': return "'\\''";
    case '\\': return "'\\\\'";
    case '\n': return "'\\n'";
    case '\r': return "'\\r'";
    default: break;
  }
  if (value >= 0x20 && value < 0x7f) return fmt::format("'{}'", static_cast<char>(value));
  return fmt::format("'\\x{:02x}'", value & 0xff);
}

std::int64_t as_signed(std::uint64_t value, unsigned size) {
  const unsigned unused = 64 - 8 * size;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

/// As wide as the largest there is, so that values stand below each other.
std::string value_text(std::uint64_t value, char base, unsigned size) {
  constexpr std::array<int, 9> kOctal{0, 3, 6, 0, 11, 0, 0, 0, 22};
  constexpr std::array<int, 9> kDecimal{0, 3, 5, 0, 10, 0, 0, 0, 20};
  switch (base) {
    case 'o': return fmt::format("{:#0{}o}", value, kOctal[size] + 1);
    case 'u': return fmt::format("{:{}}", value, kDecimal[size]);
    case 'd': return fmt::format("{:{}}", as_signed(value, size), kDecimal[size] + 1);
    case 'c': return character(value);
    default: return fmt::format("{:#0{}x}", value, 2 * size + 2);
  }
}

std::uint64_t value_at(std::span<const std::byte> bytes, hw::Cpu::ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t from = order == hw::Cpu::ByteOrder::kLittle ? bytes.size() - 1 - i : i;
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[from]);
  }
  return value;
}

Result<void> show_values(Call& call, CpuSight& sight, Format format, std::uint64_t address) {
  const unsigned size = format.size != 0 ? format.size : format.base == 'c' ? 1 : 4;
  const std::uint64_t in_line = size == 1 ? 8 : 16 / size;
  const auto order =
      call.monitor.cpu() != nullptr ? call.monitor.cpu()->facts().order : hw::Cpu::ByteOrder::kLittle;
  for (std::uint64_t left = format.count; left != 0;) {
    const std::uint64_t now = std::min(left, in_line);
    std::array<std::byte, 16> bytes{};
    const auto read = std::span{bytes}.first(now * size);
    if (!sight.read(address, read)) return fail("nothing is mapped at {:#x}", address);
    std::string line = fmt::format("{:016x}:", address);
    for (std::uint64_t i = 0; i < now; ++i)
      line += " " + value_text(value_at(read.subspan(i * size, size), order), format.base, size);
    call.say("{}", line);
    address += read.size();
    left -= now;
  }
  return {};
}

Result<void> show_instructions(Call& call, CpuSight& sight, std::uint64_t count, std::uint64_t address) {
  const hw::CpuInspector* inspector = sight.inspector();
  if (inspector == nullptr) return fail("there is no CPU whose instructions they could be");
  const unsigned longest = inspector->longest_instruction();
  const unsigned step = inspector->instruction_alignment();
  for (; count != 0; --count) {
    std::array<std::byte, 16> bytes{};
    std::size_t length = 0;
    while (length < longest && sight.read(address + length, std::span{bytes}.subspan(length, step)))
      length += step;
    if (length == 0) return fail("nothing is mapped at {:#x}", address);
    const auto one = inspector->disassemble(address, std::span{bytes}.first(length));
    const std::uint64_t coded =
        value_at(std::span{bytes}.first(one.length), call.monitor.cpu()->facts().order);
    call.say("0x{:016x}:  {:<{}}  {}", address, fmt::format("{:0{}x}", coded, 2 * one.length), 2 * longest,
             one.text);
    address += one.length;
  }
  return {};
}

Result<void> show(Call& call, Eyes eyes) {
  const Format format = call.format();
  if (format.count > kMostShown)
    return fail("{} are too many to show at once; {} are possible", format.count, kMostShown);
  const std::uint64_t address = call.number("addr");
  return look(call, eyes, [&](CpuSight& sight) {
    if (format.base == 'i') return show_instructions(call, sight, format.count, address);
    return show_values(call, sight, format, address);
  });
}

Result<void> show_virtual(Call& call) { return show(call, Eyes::kCpu); }
Result<void> show_physical(Call& call) { return show(call, Eyes::kBus); }

Result<void> print(Call& call) {
  const std::uint64_t value = call.number("expr");
  switch (call.format().base) {
    case 'o': call.say("{:#o}", value); break;
    case 'u': call.say("{}", value); break;
    case 'd': call.say("{}", static_cast<std::int64_t>(value)); break;
    case 'c': call.say("{}", character(value)); break;
    default: call.say("{:#x}", value);
  }
  return {};
}

// --- stretches -------------------------------------------------------------------------------------

Result<void> check_size(std::uint64_t size) {
  if (size <= kMostMoved) return {};
  return fail("{} bytes are too many at once; {} are possible", size, kMostMoved);
}

Result<Extent> stretch_of(Call& call, const char* start) {
  const std::uint64_t first = call.number(start);
  const std::uint64_t size = call.number("size");
  TRY(check_size(size));
  if (size == 0) return fail("size is 0; there is nothing to look at");
  if (size - 1 > kAddressMax - first) return fail("{} bytes from {:#x} on go beyond the last address", size, first);
  return Extent{first, first + (size - 1)};
}

Result<void> sum_up(Call& call) {
  unsigned sum = 0;
  const Extent stretch = TRY(stretch_of(call, "addr"));
  TRY(walk_memory(call.machine(), call.monitor.cpu(), Eyes::kBus, stretch, [&](std::span<const std::byte> bytes) -> Result<void> {
    for (const std::byte byte : bytes) {
      sum = (sum >> 1 | sum << 15) & 0xffff;
      sum = (sum + std::to_integer<unsigned>(byte)) & 0xffff;
    }
    return {};
  }));
  call.say("{:05}", sum);
  return {};
}

Result<void> save(Call& call, Eyes eyes, const char* start) {
  const Extent stretch = TRY(stretch_of(call, start));
  const std::string& path = call.text("file");
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644)};
  if (!file) return fail("{}: {}", path, std::generic_category().message(errno));
  const auto saved = save_memory(call.machine(), call.monitor.cpu(), eyes, stretch, file.get());
  if (!saved) return fail("{}: {}", path, saved.error().message);
  return {};
}

Result<void> save_core(Call& call) {
  qmp::Json arguments{{"paging", call.flag("p")}, {"protocol", "file:" + call.text("file")}};
  if (call.has("begin")) arguments["begin"] = call.number("begin");
  if (call.has("length")) arguments["length"] = call.number("length");
  return call.tell("dump-guest-memory", arguments);
}

Result<void> save_virtual(Call& call) { return save(call, Eyes::kCpu, "addr"); }
Result<void> save_physical(Call& call) { return save(call, Eyes::kBus, "addr"); }

// --- addresses -------------------------------------------------------------------------------------

Result<void> translate(Call& call) {
  return look(call, Eyes::kCpu, [&](CpuSight& sight) -> Result<void> {
    if (const auto physical = sight.translate(call.number("addr")))
      call.say("gpa: {:#x}", *physical);
    else
      call.say("Unmapped");
    return {};
  });
}

Result<void> host_address(Call& call) {
  return look(call, Eyes::kBus, [&](CpuSight& sight) -> Result<void> {
    const std::uint64_t address = call.number("addr");
    const auto section = sight.port().section();
    const auto direct = sight.port().direct(address);
    if (!direct) return fail("no memory of the host is behind {:#x}", address);
    call.say("Host virtual address for {:#x} is {}", address,
             fmt::ptr(static_cast<const void*>(direct->host + (address - direct->first))));
    return {};
  });
}

Result<void> explain(Call& call) {
  const memory::MapSnapshot map = snapshot_of(call.machine());
  const auto owner = [&](memory::MapSnapshot::Index region) {
    return map.regions[region].owner.empty() ? "the machine itself" : map.regions[region].owner;
  };
  const std::uint64_t address = call.number("addr");
  const Explanation said = TRY(control::explain(map, "memory", address));
  call.say("{:#x}: {}", address, said.because);
  if (said.range) {
    const memory::MapSnapshot::Range& range = *said.range;
    call.say("range  {:016x}-{:016x}, {}", range.extent.first, range.extent.last,
             kind_name(map.regions[range.region].kind));
    call.say("region {}", map.regions[range.region].name);
    call.say("owner  {}", owner(range.region));
  }
  for (const Shadowed& one : said.shadowed)
    call.say("hides  byte {:#x} of region '{}' of {}: {}", one.offset, map.regions[one.region].name,
             owner(one.region), one.because);
  return {};
}

// --- ports: no machine here has any ----------------------------------------------------------------

constexpr std::uint64_t kPorts = 0x10000;

Result<unsigned> port_size(Call& call) {
  if (call.number("addr") >= kPorts) return fail("there are {} ports, from 0 on", kPorts);
  return call.format().size == 0 || call.format().size == 8 ? 1U : call.format().size;
}

Result<void> port_in(Call& call) {
  const unsigned size = TRY(port_size(call));
  call.say("port{}[{:#06x}] = {:#0{}x}", " bw l"[size], call.number("addr"),
           ~std::uint64_t{0} >> (64 - 8 * size), 2 * size + 2);
  return {};
}

Result<void> port_out(Call& call) {
  TRY(port_size(call));
  return {};
}

constexpr auto kMemoryRows = std::to_array<Row>({
    {.name = "x",
     .arguments = {format_of_values(), number("addr")},
     .help = "memory at an address as the CPU sees it",
     .perform = show_virtual},
    {.name = "xp",
     .arguments = {format_of_values(), number("addr")},
     .help = "memory at an address of the bus",
     .perform = show_physical},
    {.name = "print|p",
     .arguments = {format_of_values(), number("expr")},
     .help = "the value of an expression",
     .perform = print},
    {.name = "sum",
     .arguments = {number("addr"), number("size")},
     .help = "the checksum of memory: 16 bits, each byte added after a turn to the right",
     .perform = sum_up},
    {.name = "memsave",
     .arguments = {number("addr"), number("size"), word("file")},
     .help = "saves memory as the CPU sees it",
     .perform = save_virtual},
    {.name = "pmemsave",
     .arguments = {number("addr"), number("size"), word("file")},
     .help = "saves memory from an address of the bus on",
     .perform = save_physical},
    {.name = "dump-guest-memory",
     .arguments = {flag("p"), flag("d"), word("file"), maybe(number("begin")), maybe(number("length"))},
     .help = "saves memory, from `begin` on if that is said, and the registers of CPUs as an ELF core file",
     .perform = save_core},
    {.name = "gva2gpa",
     .arguments = {number("addr")},
     .help = "where on the bus the CPU finds an address",
     .perform = translate},
    {.name = "gpa2hva",
     .arguments = {number("addr")},
     .help = "where in this process the memory of an address of the bus is",
     .perform = host_address},
    {.name = "explain",
     .arguments = {number("addr")},
     .help = "what is at an address of the bus, whose it is, and why",
     .perform = explain},
    {.name = "i",
     .arguments = {format_of_values(), number("addr")},
     .help = "reads a port; no machine here has ports, so all bits are set",
     .perform = port_in},
    {.name = "o",
     .arguments = {format_of_values(), number("addr"), number("value")},
     .help = "writes a port; no machine here has ports, so nothing comes of it",
     .perform = port_out},
});

}  // namespace

std::span<const Row> memory_rows() { return kMemoryRows; }

}  // namespace holdfast::control::hmp
