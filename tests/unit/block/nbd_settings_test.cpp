// SPDX-License-Identifier: Apache-2.0
// How people say at which server a drive is: the port of it above all, of which the host would take any number.
#include "holdfast/block/nbd_settings.hpp"

#include <gtest/gtest.h>

#include <array>

namespace holdfast::block {
namespace {

constexpr std::string_view kPortShape = "a number from 1 to 65535 or the name of a service";
constexpr std::array<const char*, 12> kNoPorts{"0", "", "-1", "x", "65536", "99999", "4294968096", "00",
                                               "+5", " 5", "1.5", "0x2a49"};

Result<Nbd::Options> options(Settings::Values values) {
  Settings settings{std::move(values)};
  return nbd_options(settings, "node 'n'");
}

Result<Settings> named(std::string_view file) {
  Settings settings;
  if (auto taken = take_nbd_name(settings, file); !taken) return std::unexpected{taken.error()};
  return settings;
}

TEST(NbdSettings, APortIsANumberThatThereIs) {
  for (const char* const port : {"1", "10809", "34463", "65535", "010809"}) {
    const auto taken = options({{"server.host", "h"}, {"server.port", port}});
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_EQ(taken->port, port);
  }
  EXPECT_EQ(options({{"server.host", "h"}}).value().port, "10809");
}

TEST(NbdSettings, AnythingElseIsNoPort) {
  for (const std::string port : kNoPorts) {
    const auto refused = options({{"server.type", "inet"}, {"server.host", "h"}, {"server.port", port}});
    ASSERT_FALSE(refused) << port;
    EXPECT_EQ(refused.error().message,
              "server.port is '" + port + "'; it takes " + std::string{kPortShape});
  }
  const auto older = options({{"host", "h"}, {"port", "99999"}});
  ASSERT_FALSE(older);
  EXPECT_TRUE(older.error().message.starts_with("port is '99999'; it takes ")) << older.error().message;
}

TEST(NbdSettings, NorInTheNameOfAFile) {
  for (const std::string port : kNoPorts)
    for (const std::string& file : {"nbd:h:" + port, "nbd:h:" + port + ":exportname=x", "nbd://h:" + port + "/x"}) {
      const auto refused = named(file);
      ASSERT_FALSE(refused) << file;
      EXPECT_EQ(refused.error().message,
                "file is '" + file + "'; its port is '" + port + "', and takes " + std::string{kPortShape});
    }
}

TEST(NbdSettings, WhatANameOfAFileSays) {
  Settings short_form = named("nbd:h:34463:exportname=x").value();
  EXPECT_EQ(short_form.text("host"), "h");
  EXPECT_EQ(short_form.text("port"), "34463");
  EXPECT_EQ(short_form.text("export"), "x");
  Settings address = named("nbd://h/x").value();
  EXPECT_EQ(address.text("host"), "h");
  EXPECT_FALSE(address.has("port"));
  Settings socket = named("nbd:unix:/run/s:exportname=x").value();
  EXPECT_EQ(socket.text("path"), "/run/s");
  EXPECT_FALSE(socket.has("port")) << "a socket has none";
}

}  // namespace
}  // namespace holdfast::block
