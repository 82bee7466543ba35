// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "holdfast/devices/pci/types.hpp"

namespace holdfast::devices {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kNsPerUs = 1000;
constexpr std::uint16_t kVendor = 0x1b36;
constexpr std::size_t kMostSerial = 20;

// In BAR 0: the registers, then the interrupt messages, then which are pending.
constexpr std::uint64_t kTable = nvme::Controller::kRegisterBytes;

constexpr std::uint64_t pending_at(std::uint32_t vectors) {
  return (kTable + vectors * pci::Msix::kEntryBytes + kPage - 1) / kPage * kPage;
}

constexpr std::uint64_t bar_size(std::uint32_t vectors) {
  return std::bit_ceil(pending_at(vectors) + (vectors + 63) / 64 * 8);
}

nvme::Controller::Config controller_config(const Nvme::Config& config) {
  return {.identity = {.vendor = kVendor,
                       .subsystem_vendor = 0x1af4,
                       .serial = config.serial,
                       .transfer_limit = static_cast<std::uint8_t>(config.transfer_limit),
                       .event_commands = static_cast<std::uint8_t>(config.event_commands)},
          .queue_pairs = config.queue_pairs,
          .vectors = config.vectors,
          .injection = {.delay_ns = config.delay_us * kNsPerUs,
                        .error_every = config.error_every,
                        .error_status = config.error_status}};
}

constexpr std::array<const object::Type*, 1> kAbilities{&pci::kExpressDevice};

}  // namespace

constinit const object::Type Nvme::kType{.name = "nvme",
                                         .parent = &pci::Function::kType,
                                         .interfaces = kAbilities,
                                         .docs = "An NVM Express controller."};

// A memory BAR's registers, as the specification has them in 3.1. Accesses of 1 to 8 bytes.
Nvme::Nvme(const hw::DeviceInit& init, const Config& config)
    : Function{init, {.vendor = kVendor, .device = 0x0010, .class_code = 0x01'08'02, .revision = 2,
                      .intx = pci::Intx::kA}},
      config_{config},
      own_namespace_{.drive = config.drive,
                     .block_size = config.logical_block_size,
                     .physical_block_size = config.physical_block_size,
                     .uuid = config.uuid},
      own_{*this, reach_,
           config.buffer_mib == 0
               ? nullptr
               : &buffer_.emplace(*this, "cmb", hw::Ram::Init{.size = config.buffer_mib * kMiB}),
           config.persistent == nullptr
               ? nullptr
               : &persistent_.emplace(*this, "pmr",
                                      hw::Ram::Init{.size = config.persistent->size(),
                                                    .block = config.persistent->block()})},
      controller_{*this, controller_config(config), *this, reach_, namespaces_, own_},
      bar0_{*this, "bar0", bar_size(config.vectors)},
      regs_{*this, "regs",
            hw::register_map<Nvme>(
                Controller::kRegisterBytes,
                {{.at = 0x00, .name = "CAP", .read = &Nvme::cap},
                 {.at = 0x08, .name = "VS", .read = &Nvme::vs},
                 {.at = 0x0c, .name = "INTMS", .read = &Nvme::intm, .write = &Nvme::set_intms,
                  .partial = hw::Partial::kZero},
                 {.at = 0x10, .name = "INTMC", .read = &Nvme::intm, .write = &Nvme::set_intmc,
                  .partial = hw::Partial::kZero},
                 {.at = 0x14, .name = "CC", .read = &Nvme::cc, .write = &Nvme::set_cc},
                 {.at = 0x1c, .name = "CSTS", .read = &Nvme::csts},
                 {.at = 0x24, .name = "AQA", .read = &Nvme::aqa, .write = &Nvme::set_aqa},
                 {.at = 0x28, .name = "ASQ", .read = &Nvme::asq, .write = &Nvme::set_asq},
                 {.at = 0x30, .name = "ACQ", .read = &Nvme::acq, .write = &Nvme::set_acq},
                 {.at = 0x38, .name = "CMBLOC", .read = &Nvme::cmbloc},
                 {.at = 0x3c, .name = "CMBSZ", .read = &Nvme::cmbsz},
                 {.at = 0x50, .name = "CMBMSC", .read = &Nvme::cmbmsc, .write = &Nvme::set_cmbmsc},
                 {.at = 0x58, .name = "CMBSTS", .read = &Nvme::cmbsts},
                 {.at = 0xe00, .name = "PMRCAP", .read = &Nvme::pmrcap},
                 {.at = 0xe04, .name = "PMRCTL", .read = &Nvme::pmrctl, .write = &Nvme::set_pmrctl},
                 {.at = 0xe08, .name = "PMRSTS", .read = &Nvme::pmrsts},
                 {.at = 0xe14, .name = "PMRMSCL", .read = &Nvme::pmrmscl,
                  .write = &Nvme::set_pmrmscl},
                 {.at = 0xe18, .name = "PMRMSCU", .read = &Nvme::pmrmscu,
                  .write = &Nvme::set_pmrmscu},
                 {.at = 0x1000, .name = "DOORBELL", .write = &Nvme::doorbell, .count = 0x400,
                  .partial = hw::Partial::kRefuse}},
                {.background = {.read = &Nvme::nothing, .write = &Nvme::ignore}})},
      bar_{*this, 0, bar0_, {.kind = pci::Bar::Kind::kMemory64}},
      msix_{*this, {.vectors = config.vectors,
                    .bar = bar_,
                    .content = bar0_,
                    .table = kTable,
                    .pending = pending_at(config.vectors)}} {
  bar0_.add(0, regs_);
  if (buffer_)
    buffer_bar_.emplace(*this, nvme::OwnMemory::kBufferBar, *buffer_,
                        pci::Bar::Init{.kind = pci::Bar::Kind::kMemory64,
                                       .prefetch = pci::Bar::Prefetch::kYes});
  if (persistent_)
    persistent_bar_.emplace(*this, nvme::OwnMemory::kPersistentBar, *persistent_,
                            pci::Bar::Init{.kind = pci::Bar::Kind::kMemory64,
                                           .prefetch = pci::Bar::Prefetch::kYes});
}

Result<void> Nvme::check() {
  // SPEC: 1.5: strings are of these characters, which identify data are made of.
  if (!std::ranges::all_of(config_.serial, [](char c) { return c >= ' ' && c <= '~'; }))
    return fail("{}: serial has a character that is not printable ASCII; it takes at most {} from ' ' to '~'",
                full_path(), kMostSerial);
  if (config_.serial.size() > kMostSerial)
    return fail("{}: serial '{}' is too long; it takes at most {} characters", full_path(),
                config_.serial, kMostSerial);
  if (config_.persistent != nullptr) {
    if (!std::has_single_bit(config_.persistent->size()))
      return fail("{}: pmrdev '{}' has {} bytes; it takes a power of two", full_path(),
                  config_.persistent->id(), config_.persistent->size());
    persistent_claim_ = TRY(config_.persistent->take(full_path()));
  }
  return {};
}

void Nvme::on_reset(hw::ResetPhase phase) {
  if (phase == hw::ResetPhase::kEnter) controller_.reset();
}

}  // namespace holdfast::devices
