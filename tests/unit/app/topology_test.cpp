// SPDX-License-Identifier: Apache-2.0
#include "holdfast/app/options/topology.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace holdfast::app {
namespace {

Result<Topology> of(std::string_view text) {
  TopologyRequest request;
  const auto items = TRY(parse_keyval(text, "cpus"));
  TRY(add_topology(request, items));
  return complete(request);
}

std::string topology_error(std::string_view text) {
  const auto topology = of(text);
  return topology ? "" : topology.error().message;
}

TEST(Topology, CoresAreWorkedOutBeforeSocketsBeforeThreads) {
  EXPECT_EQ(*of(""), (Topology{1, 1, 1, 1, 1}));
  EXPECT_EQ(*of("4"), (Topology{4, 1, 4, 1, 4}));
  EXPECT_EQ(*of("8,sockets=2"), (Topology{8, 2, 4, 1, 8}));
  EXPECT_EQ(*of("8,threads=2"), (Topology{8, 1, 4, 2, 8}));
  EXPECT_EQ(*of("8,cores=2"), (Topology{8, 4, 2, 1, 8}));
  EXPECT_EQ(*of("8,cores=2,threads=2"), (Topology{8, 2, 2, 2, 8}));
  EXPECT_EQ(*of("8,sockets=2,cores=2"), (Topology{8, 2, 2, 2, 8}));
  EXPECT_EQ(*of("2,maxcpus=8"), (Topology{2, 1, 8, 1, 8}));
  EXPECT_EQ(*of("maxcpus=8"), (Topology{8, 1, 8, 1, 8}));
}

TEST(Topology, WithoutANumberOfCpusTheProductIsTheNumber) {
  EXPECT_EQ(*of("sockets=2,threads=3"), (Topology{6, 2, 1, 3, 6}));
  EXPECT_EQ(*of("cpus=6,sockets=1,cores=3,threads=2"), (Topology{6, 1, 3, 2, 6}));
  EXPECT_EQ(*of("1,sockets=2,cores=2,threads=2,maxcpus=8"), (Topology{1, 2, 2, 2, 8}));
}

TEST(Topology, LevelsThatThereAreNotHaveOne) {
  EXPECT_EQ(*of("4,dies=1,clusters=1"), (Topology{4, 1, 4, 1, 4}));
  EXPECT_EQ(topology_error("4,dies=2"),
            "dies is '2'; CPUs are in sockets, cores and threads alone, so it takes 1");
}

TEST(Topology, TheProductMustBeTheNumber) {
  EXPECT_EQ(topology_error("3,sockets=2"),
            "2 sockets × 1 cores × 1 threads is 2, not 3; the product must be the number of CPUs "
            "(maxcpus, if that is given)");
  EXPECT_NE(topology_error("2,sockets=2,cores=2,threads=1"), "");
  EXPECT_NE(topology_error("1,sockets=2"), "");
  EXPECT_NE(topology_error("65536,sockets=65536,cores=65536,threads=65536"), "");
}

TEST(Topology, NoMoreCpusThanMaxcpus) {
  EXPECT_EQ(topology_error("9,maxcpus=8"),
            "9 CPUs are more than maxcpus=8; it takes at least as many as there are CPUs");
}

TEST(Topology, HowManyThereMayBeIsForTheMachineToSay) {
  EXPECT_EQ(topology_error("0"), "cpus is '0'; it takes a whole number from 1 on");
  EXPECT_EQ(topology_error("2,threads=0"), "threads is '0'; it takes a whole number from 1 on");
  EXPECT_EQ(*of("1000000"), (Topology{1000000, 1, 1000000, 1, 1000000}));
  EXPECT_EQ(topology_error("1048577"), "cpus is '1048577'; no machine has so many");
  EXPECT_EQ(topology_error("sockets=1048576,cores=1048576,threads=1048576"),
            "1152921504606846976 CPUs: no machine has so many");
  EXPECT_EQ(topology_error("sockets=1048576,cores=2"), "2097152 CPUs: no machine has so many");
  for (const auto* bad : {"-1", "two", "1.5", "cpus=", "18446744073709551617"})
    EXPECT_NE(topology_error(bad), "") << bad;
  EXPECT_EQ(*of("65536"), (Topology{65536, 1, 65536, 1, 65536}));
}

TEST(Topology, UnknownKeys) {
  EXPECT_EQ(topology_error("2,rows=2"),
            "there is no 'rows'; there are cpus, sockets, cores, threads and maxcpus");
}

}  // namespace
}  // namespace holdfast::app
