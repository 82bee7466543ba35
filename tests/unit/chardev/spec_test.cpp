// SPDX-License-Identifier: Apache-2.0
#include "holdfast/chardev/spec.hpp"

#include <gtest/gtest.h>

namespace holdfast::chardev {
namespace {

Spec chardev(std::string_view text) {
  auto spec = parse_chardev(text);
  EXPECT_TRUE(spec) << text << ": " << (spec ? "" : spec.error().message);
  return spec.value_or(Spec{});
}
Spec legacy(std::string_view text) {
  auto spec = parse_legacy(text);
  EXPECT_TRUE(spec) << text << ": " << (spec ? "" : spec.error().message);
  return spec.value_or(Spec{});
}
std::string why_not(std::string_view text) {
  const auto spec = parse_chardev(text);
  return spec ? "it was taken" : spec.error().message;
}
std::string why_not_legacy(std::string_view text) {
  const auto spec = parse_legacy(text);
  return spec ? "it was taken" : spec.error().message;
}

TEST(ChardevSpec, EveryBackEnd) {
  EXPECT_EQ(chardev("null,id=a").backend, Backend::kNull);
  EXPECT_EQ(chardev("pty,id=a").backend, Backend::kPty);
  EXPECT_EQ(chardev("backend=pty,id=a").backend, Backend::kPty);
  const Spec stdio = chardev("stdio,id=a,mux=on,signal=off");
  EXPECT_EQ(stdio.backend, Backend::kStdio);
  EXPECT_TRUE(stdio.mux);
  EXPECT_FALSE(stdio.signal);
  const Spec file = chardev("file,id=a,path=x,,y,append=on,input-path=z");
  EXPECT_EQ(file.path, "x,y");
  EXPECT_EQ(file.input_path, "z");
  EXPECT_TRUE(file.append);
  EXPECT_EQ(chardev("pipe,id=a,path=p").path, "p");
  EXPECT_EQ(chardev("serial,id=a,path=/dev/ttyS0").backend, Backend::kSerial);
  EXPECT_EQ(chardev("tty,id=a,path=/dev/ttyS0").backend, Backend::kSerial);
  EXPECT_EQ(chardev("ringbuf,id=a,size=4K").size, 4096U);
  EXPECT_EQ(chardev("memory,id=a").size, 65536U);
  const Spec logged = chardev("null,id=a,logfile=l,logappend=on");
  EXPECT_EQ(logged.logfile, "l");
  EXPECT_TRUE(logged.log_append);
}

TEST(ChardevSpec, Sockets) {
  const Spec local = chardev("socket,id=c.0-x_,path=/tmp/s,server=on,wait=off");
  EXPECT_EQ(local.id, "c.0-x_");
  EXPECT_EQ(local.address.to_string(), "unix:/tmp/s");
  EXPECT_TRUE(local.server);
  EXPECT_FALSE(local.wait);
  EXPECT_TRUE(chardev("socket,id=a,path=s,server=on").wait);
  EXPECT_FALSE(chardev("socket,id=a,path=s").wait);
  const Spec tcp = chardev("socket,id=a,host=::1,port=4444,ipv6=on,nodelay,reconnect=3");
  EXPECT_EQ(tcp.address.to_string(), "tcp:::1:4444");
  EXPECT_EQ(tcp.address.ipv6, true);
  EXPECT_EQ(tcp.address.ipv4, std::nullopt);
  EXPECT_TRUE(tcp.no_delay);
  EXPECT_EQ(tcp.reconnect_s, 3U);
  EXPECT_TRUE(chardev("socket,id=a,host=h,port=http,delay=off").no_delay);
  EXPECT_EQ(chardev("socket,id=a,port=1,to=9,server,nowait").address.to, 9);
  EXPECT_EQ(chardev("socket,id=a,fd=7").address.descriptor, 7);
  EXPECT_TRUE(chardev("socket,id=a,path=s,abstract=on,tight=off,telnet=off").address.abstract);
}

TEST(ChardevSpec, RefusalsNameTheBackEndAndWhatItTakes) {
  EXPECT_EQ(why_not("nonsense,id=a"),
            "there is no back-end 'nonsense'; there are file, null, pipe, pty, ringbuf, memory, "
            "serial, tty, socket, stdio");
  EXPECT_NE(why_not("none,id=a").find("there is no back-end 'none'"), std::string::npos);
  EXPECT_NE(why_not("chardev,id=a").find("there is no back-end 'chardev'"), std::string::npos);
  EXPECT_EQ(why_not("vc,id=a"), "there is no back-end 'vc': there is no display to show it in");
  EXPECT_EQ(why_not("null,id=a,path=x"),
            "null: there is no 'path'; there are id, mux, logfile, logappend");
  EXPECT_EQ(why_not("stdio,id=a,signal=perhaps"),
            "stdio: signal is 'perhaps'; it takes on or off");
  EXPECT_EQ(why_not("ringbuf,id=a,size=3"), "ringbuf: size is '3'; it takes a power of two up to 1G");
  EXPECT_EQ(why_not("ringbuf,id=a,size=0"), "ringbuf: size is '0'; it takes a power of two up to 1G");
  EXPECT_EQ(why_not("file,id=a"), "file: there is no path; it takes path=PATH");
  EXPECT_EQ(why_not("file,id=a,path="), "file: path is empty");
  EXPECT_EQ(why_not("null"), "null: there is no id; it takes id=NAME");
  EXPECT_NE(why_not("null,id=4x").find("is no name"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a").find("one of path"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,path=s,port=1").find("one of path"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,host=h").find("one of path"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,port=65536").find("0 to 65535"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,path=s,telnet=on").find("only off"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,path=s,server=on,reconnect=1").find("for a client"),
            std::string::npos);
  EXPECT_NE(why_not("socket,id=a,port=1,to=2").find("for a server"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,fd=x").find("number of an open descriptor"), std::string::npos);
  EXPECT_NE(why_not("socket,id=a,path=s,reconnect=-1").find("seconds"), std::string::npos);
  EXPECT_NE(why_not("").find("there is no back-end ''"), std::string::npos);
}

TEST(ChardevSpec, ShortForms) {
  EXPECT_EQ(legacy("null").backend, Backend::kNull);
  EXPECT_EQ(legacy("none").backend, Backend::kNone);
  EXPECT_EQ(legacy("pty").backend, Backend::kPty);
  EXPECT_TRUE(legacy("stdio").signal);
  EXPECT_FALSE(legacy("stdio").mux);
  EXPECT_FALSE(legacy("mon:stdio").signal);
  EXPECT_TRUE(legacy("mon:stdio").mux);
  EXPECT_TRUE(legacy("mon:unix:/tmp/s,server=on,wait=off").mux);
  EXPECT_EQ(legacy("file:a:b,c").path, "a:b,c");
  EXPECT_EQ(legacy("pipe:p").backend, Backend::kPipe);
  EXPECT_EQ(legacy("/dev/ttyUSB0").path, "/dev/ttyUSB0");
  EXPECT_EQ(legacy("/dev/ttyUSB0").backend, Backend::kSerial);
  EXPECT_EQ(legacy("ringbuf,size=128").size, 128U);
  EXPECT_EQ(legacy("chardev:c0").id, "c0");
  EXPECT_EQ(legacy("chardev:c0").backend, Backend::kReference);
  const Spec local = legacy("unix:/tmp/s,server,nowait");
  EXPECT_TRUE(local.server);
  EXPECT_FALSE(local.wait);
  const Spec tcp = legacy("tcp:localhost:4444,server=on,wait=off,nodelay");
  EXPECT_EQ(tcp.address.to_string(), "tcp:localhost:4444");
  EXPECT_TRUE(tcp.no_delay);
  EXPECT_EQ(legacy("tcp::4444").address.host, "");
  EXPECT_EQ(legacy("tcp:[::1]:4444").address.host, "::1");
}

TEST(ChardevSpec, ShortFormsThatAreNone) {
  EXPECT_EQ(why_not_legacy("vc"), "there is no back-end 'vc': there is no display to show it in");
  EXPECT_EQ(why_not_legacy("vc:80Cx24C"), why_not_legacy("vc"));
  EXPECT_NE(why_not_legacy("foo:3").find("it takes stdio, mon:stdio"), std::string::npos);
  EXPECT_NE(why_not_legacy("").find("'' is no back-end"), std::string::npos);
  EXPECT_NE(why_not_legacy("stdiox").find("is no back-end"), std::string::npos);
  EXPECT_EQ(why_not_legacy("tcp:host"), "'host' is no address; it takes HOST:PORT");
  EXPECT_EQ(why_not_legacy("unix:"), "the path is empty; it takes unix:PATH");
  EXPECT_EQ(why_not_legacy("file:"), "the path is empty; it takes file:PATH");
  EXPECT_EQ(why_not_legacy("chardev:"), "the id is empty; it takes chardev:ID");
  EXPECT_NE(why_not_legacy("mon:none").find("mux=on"), std::string::npos);
  EXPECT_NE(why_not_legacy("mon:chardev:x").find("mux=on"), std::string::npos);
  EXPECT_EQ(why_not_legacy("telnet::1,server"), "socket: telnet is on; only off is there");
  EXPECT_NE(why_not_legacy("unix:/tmp/s,foo=1").find("socket: there is no 'foo'"),
            std::string::npos);
}

TEST(ChardevSpec, FromProperties) {
  const auto spec = spec_from({{"id", "a"}, {"backend", "file"}, {"path", "x,y"}});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->path, "x,y");
  EXPECT_FALSE(spec_from({{"id", "a"}}));
}

TEST(ChardevSpec, Help) {
  EXPECT_NE(backends_help().find("ringbuf"), std::string::npos);
  EXPECT_NE(backend_help("socket")->find("reconnect=NUMBER"), std::string::npos);
  EXPECT_NE(backend_help("null")->find("mux=on|off"), std::string::npos);
  EXPECT_FALSE(backend_help("nonsense"));
}

}  // namespace
}  // namespace holdfast::chardev
