// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme/identify.hpp"

#include <fmt/core.h>

#include <bit>
#include <string_view>

#include "holdfast/devices/storage/nvme/uuid.hpp"

namespace holdfast::devices::nvme {
namespace {

constexpr std::string_view kModel = "Holdfast NVMe controller";
constexpr std::string_view kFirmware = "1.0";

/// Text in a field: filled with spaces.
void put_text(DataPage& page, std::size_t at, std::size_t width, std::string_view text) {
  for (std::size_t i = 0; i < width; ++i)
    page.put(at + i, static_cast<std::uint8_t>(i < text.size() ? text[i] : ' '));
}

/// Most significant byte first.
void put_big_endian(DataPage& page, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i)
    page.put(at + i, static_cast<std::uint8_t>(value >> (56 - 8 * i)));
}

// SPEC: 7.9: of the two forms of a name the one that needs no domain; ended by zeroes. The same at each start,
// and told apart by what tells controllers apart.
std::string subsystem_name(const Identity& identity) {
  return "nqn.2014-08.org.nvmexpress:uuid:" +
         uuid_text(uuid_of(fmt::format("{:04x}{:04x}{:20}{:40}", identity.vendor, identity.subsystem_vendor,
                                       identity.serial, kModel)));
}

constexpr std::uint8_t kNamespaceUuid = 3;
constexpr std::uint8_t kEui64 = 1;

}  // namespace

DataPage identify_controller(const Identity& identity) {
  DataPage page;
  page.put<std::uint16_t>(0, identity.vendor);
  page.put<std::uint16_t>(2, identity.subsystem_vendor);
  put_text(page, 4, 20, identity.serial);
  put_text(page, 24, 40, kModel);
  put_text(page, 64, 8, kFirmware);
  page.put<std::uint8_t>(72, 6);  // RAB: commands that are best handed over at once, power of two
  page.put<std::uint8_t>(77, identity.transfer_limit);
  page.put<std::uint32_t>(80, 0x0001'0400);  // VER
  page.put<std::uint32_t>(92, 1U << 8U);     // OAES: changes of namespaces are told
  page.put<std::uint8_t>(111, 1);            // CNTRLTYPE: for I/O
  page.put<std::uint16_t>(256, 1U << 8U);    // OACS: shadow doorbells
  page.put<std::uint8_t>(258, 3);            // ACL: 4 commands to abort at a time
  page.put<std::uint8_t>(259, identity.event_commands);
  page.put<std::uint8_t>(260, 0x3);          // FRMW: one slot, read-only
  page.put<std::uint8_t>(261, 0x6);          // LPA: effects of commands; long and moved reads of logs
  page.put<std::uint8_t>(262, 0);            // ELPE: one entry for errors
  page.put<std::uint16_t>(266, 0x157);       // WCTEMP: 70 °C
  page.put<std::uint16_t>(268, 0x175);       // CCTEMP: 100 °C
  page.put<std::uint8_t>(512, 0x66);         // SQES: entries of 64 bytes
  page.put<std::uint8_t>(513, 0x44);         // CQES: entries of 16 bytes
  page.put<std::uint32_t>(516, kMaxNamespaces);
  // ONCS: compare, dataset management, write zeroes, timestamp.
  page.put<std::uint16_t>(520, 1U << 0U | 1U << 2U | 1U << 3U | 1U << 6U);
  // VWC: there is one or not; all namespaces can be flushed by one command.
  page.put<std::uint8_t>(525, static_cast<std::uint8_t>(0x6U | (identity.write_cache ? 1U : 0U)));
  // SGLS: any alignment, bit buckets, lists longer than the data.
  page.put<std::uint32_t>(536, 1U << 0U | 1U << 16U | 1U << 18U);
  const std::string name = subsystem_name(identity);
  page.put_bytes(768, std::as_bytes(std::span{name}));
  page.put<std::uint16_t>(2048, 0x9c4);      // power state 0: 25 W at most
  page.put<std::uint32_t>(2048 + 4, 16);     // entered and left within 16 µs
  page.put<std::uint32_t>(2048 + 8, 4);
  return page;
}

DataPage identify_namespace(const Geometry& geometry) {
  DataPage page;
  page.put<std::uint64_t>(0, geometry.blocks);
  page.put<std::uint64_t>(8, geometry.blocks);
  page.put<std::uint64_t>(16, geometry.blocks);
  if (geometry.write_blocks > 1) {
    const auto last = static_cast<std::uint16_t>(geometry.write_blocks - 1);
    page.put<std::uint8_t>(24, 1U << 4U);   // NSFEAT: the next are to be heeded
    page.put<std::uint16_t>(64, last);      // NPWG: so many blocks
    page.put<std::uint16_t>(66, last);      // NPWA: from a multiple of so many
    page.put<std::uint16_t>(72, last);      // NOWS
  }
  page.put<std::uint8_t>(33, 1U << 3U);  // DLFEAT: write zeroes may deallocate; how those read is not said
  page.put<std::uint8_t>(99, geometry.read_only ? 1 : 0);  // NSATTR: write protected
  put_big_endian(page, 120, geometry.eui64);
  page.put<std::uint8_t>(128 + 2, static_cast<std::uint8_t>(geometry.block_bits));  // LBAF 0
  return page;
}

DataPage identify_descriptors(const Geometry& geometry) {
  DataPage page;
  page.put<std::uint8_t>(0, kNamespaceUuid);
  page.put<std::uint8_t>(1, 16);
  page.put_bytes(4, geometry.uuid);
  if (geometry.eui64 == 0) return page;
  page.put<std::uint8_t>(20, kEui64);
  page.put<std::uint8_t>(21, 8);
  put_big_endian(page, 24, geometry.eui64);
  return page;
}

DataPage list_of(std::span<const std::uint32_t> ids, std::uint32_t above) {
  DataPage page;
  std::size_t at = 0;
  for (const std::uint32_t id : ids) {
    if (id <= above) continue;
    if (at == 4096) break;
    page.put(at, id);
    at += 4;
  }
  return page;
}

}  // namespace holdfast::devices::nvme
