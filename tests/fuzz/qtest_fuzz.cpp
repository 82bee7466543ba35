// SPDX-License-Identifier: Apache-2.0
// What a test client says to a whole machine: accesses anywhere, pins, time. Lines that begin with a
// brace are said to a monitor beside it, so that devices come and go under the test client's hands.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "holdfast/control/qmp/server.hpp"
#include "holdfast/control/qtest/server.hpp"
#include "tests/fuzz/conversation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast;
  fuzz::World world;
  chardev::RingBuffer monitor{"monitor"};
  {
    control::QmpServer::About about;
    about.board = world.board;
    control::QmpServer server{*world.machine, fuzz::registry(), about};
    HF_CHECK(server.serve(monitor).has_value(), "no conversation");
    auto qtest = control::QtestServer::make(*world.machine, {.backend = world.client, .log = "none"});
    HF_CHECK(qtest.has_value(), "{}", qtest.error().message);
    monitor.feed("{'execute':'qmp_capabilities'}");
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto line = rest.substr(0, end == rest.npos ? rest.size() : end + 1);
      rest.remove_prefix(line.size());
      if (line.front() == '{')
        monitor.feed(line);
      else
        world.client.feed(line);
      fuzz::say(world, "");
      monitor.pump();
      monitor.take();
    }
  }
  fuzz::end(world);
  return 0;
}
