// SPDX-License-Identifier: Apache-2.0
// What a client says to a monitor of a whole machine: commands of all kinds, hot-plug among them, and
// bytes that are none. What is asked for is done, files included: to be run in a folder of its own by a
// user who may do no harm. At the end nothing of the machine may be left.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "holdfast/control/qmp/server.hpp"
#include "tests/fuzz/conversation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  fuzz::World world;
  {
    control::QmpServer::About about;
    about.board = world.board;
    about.machine_types = {{.name = "virt"}};
    control::QmpServer server{*world.machine, fuzz::registry(), about};
    HF_CHECK(server.serve(world.client).has_value(), "no conversation");
    fuzz::say(world, "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}");
    fuzz::say(world, {reinterpret_cast<const char*>(data), size});
    // A string that was not closed ends with the line.
    fuzz::say(world, "\n");
  }
  fuzz::end(world);
  return 0;
}
