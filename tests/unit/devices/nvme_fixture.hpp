// SPDX-License-Identifier: Apache-2.0
// A controller in slot 1 of a machine, a disk of 1 MiB that works when the test says so, and a driver.
#pragma once

#include <string>
#include <utility>

#include "holdfast/devices/storage/nvme.hpp"
#include "holdfast/devices/storage/nvme_namespace.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/nvme_host.hpp"

namespace holdfast::test {

class NvmeTest : public ::testing::Test {
 protected:
  using Status = NvmeHost::Status;
  using AdminOpcode = NvmeHost::AdminOpcode;
  using IoOpcode = NvmeHost::IoOpcode;
  using Submission = NvmeHost::Submission;
  static constexpr std::size_t kBytes = 1U << 20U;
  static constexpr std::uint64_t kData = NvmeHost::kData;

  void plug(devices::Nvme::Config config = {}) {
    if (config.serial.empty()) config.serial = "test";
    if (!config.drive) config.drive = FakeDisk::as_backend(disk_);
    const auto done = world_.plug<devices::Nvme>("nvme0", "1", std::move(config));
    ASSERT_TRUE(done) << done.error().message;
  }
  /// And enabled, with queue 1.
  void start(devices::Nvme::Config config = {}) {
    plug(std::move(config));
    host_.start();
    host_.create_queues(1);
  }
  Result<void> plug_namespace(std::string name, devices::NvmeNamespace::Config config) {
    return world_.plug_namespace(std::move(name), std::move(config));
  }
  Status ask(const Submission& entry) { return host_.ask(1, entry).status; }
  Status admin(const Submission& entry) { return host_.admin(entry).status; }
  /// So many bytes of the disk.
  std::vector<std::byte> disk(std::size_t at, std::size_t length) const {
    const auto first = disk_->bytes.begin() + static_cast<std::ptrdiff_t>(at);
    return {first, first + static_cast<std::ptrdiff_t>(length)};
  }

  class World : public PciWorld {
   public:
    Result<void> plug_namespace(std::string name, devices::NvmeNamespace::Config config) {
      boards::BoardPlan plan{"plug of " + name};
      const auto device = plan.add<devices::NvmeNamespace>(std::move(name), std::move(config));
      plan.existing("nvme0");
      plan.link({{device.link("bus"), {"nvme0", "namespaces"}}});
      return (**this).realize(plan);
    }
  };

  World world_;
  Ref<FakeDisk> disk_ = FakeDisk::make(kBytes);
  NvmeHost host_{world_, 1, [this] { return disk_->finish_one(); }};
};

}  // namespace holdfast::test
