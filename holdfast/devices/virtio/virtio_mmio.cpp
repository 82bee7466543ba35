// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/virtio/virtio_mmio.hpp"

#include "holdfast/hw/base_types.hpp"

namespace holdfast::devices {

constinit const object::Type VirtioMmio::kType{
    .name = "virtio-mmio",
    .parent = &hw::kSysBusDevice,
    .docs = "Slot for a virtio device on a memory-mapped transport."};

}  // namespace holdfast::devices
