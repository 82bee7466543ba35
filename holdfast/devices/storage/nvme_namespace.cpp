// SPDX-License-Identifier: Apache-2.0
#include "holdfast/devices/storage/nvme_namespace.hpp"

namespace holdfast::devices {

constinit const object::Type NvmeNamespace::kType{
    .name = "nvme-ns",
    .parent = &hw::Device::kType,
    .docs = "A namespace of an NVM Express controller."};

}  // namespace holdfast::devices
