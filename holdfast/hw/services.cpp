// SPDX-License-Identifier: Apache-2.0
#include "holdfast/hw/services.hpp"

#include <utility>

namespace holdfast::hw {

Result<std::unique_ptr<Services>> Services::make(Options options) {
  auto loop = TRY(EventLoop::make());
  return std::unique_ptr<Services>{new Services{std::move(options), std::move(loop)}};
}

Services::Services(Options options, std::unique_ptr<EventLoop> loop)
    : realm_{options.name, options.reclamation},
      loop_{std::move(loop)},
      clock_{*loop_, options.pace},
      control_{realm_.domain(), *loop_},
      fabric_{realm_, options.tuning},
      context_{.realm = realm_,
               .fabric = fabric_,
               .tree = tree_,
               .control = control_,
               .loop = *loop_,
               .holdback = holdback_,
               .clock = clock_} {
  control_.bind_here();
}

Services::~Services() {
  settle();
  realm_.domain().barrier();
}

// What is freed may retire more: a region's control block lets its gate go. The chain is short.
Census::Snapshot Services::census() {
  constexpr int kLongestChain = 4;
  for (int i = 0; i < kLongestChain && realm_.domain().garbage().objects != 0; ++i)
    realm_.domain().barrier();
  return realm_.census().take();
}

void Services::settle(std::int64_t devices) {
  control_.bind_here();
  const auto settled = [&] {
    return control_.size() == 0 && realm_.census().take()[Census::Kind::kDevice] <= devices;
  };
  control_.wait_until(settled);
  if (devices != 0) return;
  holdback_.wait_until_alone();    // who had been let in by a device that is gone now
  control_.wait_until(settled);    // and may have posted on the way out
}

}  // namespace holdfast::hw
