// SPDX-License-Identifier: Apache-2.0
// Part of a command with a back-end: what its completion owns. It has the command's memory, and brings
// the result home through the controller's gate. If the back-end's device goes before, so that nobody
// is called, the errand says that when it is destroyed; if the controller goes, nobody is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "holdfast/base/ref.hpp"
#include "holdfast/block/request.hpp"
#include "holdfast/devices/storage/nvme/home.hpp"
#include "holdfast/devices/storage/nvme/transfer.hpp"

namespace holdfast::devices::nvme {

class Controller;

class Errand {
 public:
  struct Luggage {
    std::uint64_t command = 0;
    Transfer transfer{};
    std::vector<std::byte> read{};  // of a comparison
  };
  Errand(Controller& controller, Ref<Home> home, Luggage luggage)
      : controller_{&controller}, home_{std::move(home)}, luggage_{std::move(luggage)} {}
  Errand(Errand&& other) noexcept
      : controller_{std::exchange(other.controller_, nullptr)},
        home_{std::move(other.home_)},
        luggage_{std::move(other.luggage_)} {}
  Errand& operator=(Errand&&) = delete;
  ~Errand();

  /// Once, on any thread; then the errand is empty.
  void done(const block::IoResult& result);

 private:
  Controller* controller_;  // valid at home; null: it has been told
  Ref<Home> home_;
  Luggage luggage_;
};

}  // namespace holdfast::devices::nvme
