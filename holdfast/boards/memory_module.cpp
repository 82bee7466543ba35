// SPDX-License-Identifier: Apache-2.0
#include "holdfast/boards/memory_module.hpp"

namespace holdfast::boards {
namespace {

constexpr std::uint64_t kOwnSize = 1U << 20U;

hw::Ram::Init bytes_of(const MemoryModule::Config& config) {
  if (config.memory == nullptr) return {.size = kOwnSize};
  return {.size = config.memory->size(), .block = config.memory->block()};
}

constexpr object::Property memory_property() {
  auto property = object::computed<&MemoryModule::memory>("memdev", "the path of the object that has its bytes");
  property.type = "link<memory-backend>";
  return property;
}

}  // namespace

constinit const object::Property MemoryModule::kProperties[] = {
    object::computed<&MemoryModule::address>("addr", "where it is in physical memory"),
    object::computed<&MemoryModule::slot>("slot", "the slot it is in; -1: none"),
    object::computed<&MemoryModule::node_number>("node", "the node it belongs to"),
    object::computed<&MemoryModule::size>("size", "bytes"),
    memory_property(),
};

constinit const object::Type MemoryModule::kType{.name = "pc-dimm",
                                                 .parent = &hw::Device::kType,
                                                 .docs = "A module of RAM.",
                                                 .properties = kProperties};

MemoryModule::MemoryModule(const hw::DeviceInit& init, const Config& config)
    : Device{init, gate::Locking::kGrace}, config_{config}, ram_{*this, "ram", bytes_of(config)} {}

std::string MemoryModule::memory() const {
  return config_.memory == nullptr ? std::string{} : config_.memory->path();
}

Result<void> MemoryModule::check() {
  if (config_.memory != nullptr) memory_claim_ = TRY(config_.memory->take(full_path()));
  if (config_.slots)
    slot_claim_ = TRY(config_.slots->take(static_cast<std::uint32_t>(config_.slot), full_path()));
  return {};
}

}  // namespace holdfast::boards
