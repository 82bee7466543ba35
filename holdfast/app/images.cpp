// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/images.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "holdfast/machine/device_adder.hpp"

namespace holdfast::app {
namespace {

constexpr std::size_t kBanks = 2;

/// What of a drive is the machine's affair, not the back-end's.
struct Seat {
  std::string id;                   // "" if it has none
  std::optional<std::size_t> bank;  // of if=pflash; kBanks: the next one that is free
};

Result<std::size_t> unit(Fields& fields) {
  TRY(fields.number("bus", 0, 0));
  const auto by_unit = TRY(fields.number("unit", 0, kBanks - 1));
  const auto by_index = TRY(fields.number("index", 0, kBanks - 1));
  if (by_unit && by_index) return fail("it has unit and index, which mean the same; give one");
  if (by_unit) return static_cast<std::size_t>(*by_unit);
  if (by_index) return static_cast<std::size_t>(*by_index);
  return kBanks;
}

Result<Seat> read_seat(Fields& fields) {
  Seat seat{.id = fields.text("id").value_or(""), .bank = std::nullopt};
  if (!seat.id.empty() && !machine::is_id(seat.id)) return std::unexpected{machine::not_an_id(seat.id)};
  const auto interface = fields.text("if");
  if (interface != "pflash" && interface != "none")
    return fail("if is '{}'; there are pflash, a bank of flash memory, and none, which a device takes by "
                "drive=ID",
                interface.value_or("virtio"));
  const std::size_t bank = TRY(unit(fields));
  if (interface == "pflash") seat.bank = bank;
  return seat;
}

block::Settings settings_of(const std::vector<KeyValue>& items) {
  block::Settings settings;
  for (const KeyValue& item : items) settings.set(item.key, item.value);
  return settings;
}

Result<void> make_drive(Fields& fields, block::Nodes& drives, FlashDrives& made) {
  Seat seat = TRY(read_seat(fields));
  std::string name = seat.id;
  if (seat.bank) {
    if (*seat.bank == kBanks)
      seat.bank = static_cast<std::size_t>(
          std::ranges::find(made.banks, nullptr, &FlashDrives::Bank::group) - made.banks.begin());
    if (*seat.bank == kBanks) return fail("machine 'virt' has two banks of flash, which are taken");
    if (const auto& bank = made.banks[*seat.bank]; bank.group != nullptr)
      return fail("bank {} has {} already", *seat.bank, bank.drive->location());
    if (name.empty()) name = fmt::format("pflash{}", *seat.bank);
  }
  auto drive = TRY(drives.add_drive(seat.id, fmt::format("drive '{}'", name), settings_of(fields.rest())));
  if (seat.bank && !drive) return fail("file is missing; it takes the path of an image");
  if (seat.bank) made.banks[*seat.bank] = {std::move(drive), &fields.group()};
  return {};
}

}  // namespace

Result<FlashDrives> make_drives(const Options& options, block::Nodes& drives) {
  FlashDrives made;
  for (const OptionGroup& group : options.blockdevs)
    if (const auto done = drives.add(settings_of(group.items)); !done)
      return std::unexpected{about(group, done.error())};
  for (const OptionGroup& group : options.drives)
    TRY(read_group(group, [&](Fields& fields) { return make_drive(fields, drives, made); }));
  return made;
}

Result<std::array<Ref<block::Backend>, kBanks>> flash_of(const FlashNames& names, const FlashDrives& made,
                                                         const block::Nodes& drives) {
  std::array<Ref<block::Backend>, kBanks> flash;
  for (std::size_t i = 0; i < kBanks; ++i) {
    const FlashDrives::Bank& bank = made.banks[i];
    flash[i] = bank.drive;
    if (names[i].empty()) continue;
    auto named = drives.get(names[i]);
    if (!named) return fail("-M virt,pflash{}={}: {}", i, names[i], named.error().message);
    if (bank.group != nullptr && bank.drive != *named)
      return std::unexpected{
          about(*bank.group, {fmt::format("-M gives bank {} '{}'; give it one", i, names[i])})};
    flash[i] = *std::move(named);
  }
  return flash;
}

}  // namespace holdfast::app
