// SPDX-License-Identifier: Apache-2.0
// A hart whose own view shows the board through a link, and edits behind that link: stopped where its
// translation cache has hit, or its port has, and the access is not dispatched yet.
#include "tests/support/memory_world.hpp"
#include "tests/unit/cpu/bench.hpp"

namespace holdfast::testing {
namespace {

using memory::MemoryRegion;
using memory::Transaction;
namespace rv = test::riscv;

constexpr std::uint64_t kCode = 0x8000'0000;
constexpr std::uint64_t kTrapped = kCode + 0x100;
constexpr std::uint64_t kPlace = 0x1'0000;   // what is edited
constexpr std::uint64_t kOther = 0x2'0000;   // a device that stays
constexpr std::uint64_t kPrivate = 0x3'0000; // the hart's own, above the board

class LinkedHart : public World {
 protected:
  LinkedHart() : World{{.link_children = 1}} {
    put(kCode, code_.region);
    put(kOther, other_);
    commit(std::move(Transaction{}.add(overlay_, 0, board_, 0).add(overlay_, kPrivate, timer_.region, 1)));
    EXPECT_TRUE(hart_space_.view().has_links());
    write_code(kTrapped, {rv::wfi()});
    hart_.set_csr(rv::csr::kMtvec, kTrapped);
    hart_.set_integer(rv::kA0, kPlace);
    hart_.set_integer(rv::kA1, kOther);
    hart_.set_pc(kCode);
  }
  void write_code(std::uint64_t address, std::initializer_list<rv::Word> words) {
    std::memcpy(code_.block->host() + (address - kCode), words.begin(), words.size() * sizeof(rv::Word));
  }
  /// To its WFI, on a thread of its own.
  void run() {
    EXPECT_EQ(hart_.run(1000), cpu::riscv::Stop::kWaiting);
  }
  bool trapped() const { return hart_.pc() == kTrapped + 4; }

  Ram code_{fabric_, "code", 0x1000};
  Device timer_{fabric_, "timer", 0x7};
  Device other_{fabric_, "other", 0x0};
  MemoryRegion overlay_ = MemoryRegion::container(fabric_, {.name = "overlay"});
  MemoryRegion board_ = MemoryRegion::alias(fabric_, {.name = "board"}, root_, 0);
  memory::AddressSpace hart_space_{fabric_, overlay_, {.name = "hart"}};
  memory::Port hart_port_{hart_space_};
  rv::SteppedTime time_;
  cpu::riscv::Hart hart_{{}, hart_port_, time_};
  Schedule schedule_;
};

/// Two loads from a device: the first is remembered by the hart and its port, the second hits and is
/// stopped. The edit comes then.
struct Where {
  const char* name;
  const char* point;
  int skip;  // by the first load
};
class LinkedHartAtADevice : public LinkedHart, public ::testing::WithParamInterface<Where> {
 protected:
  LinkedHartAtADevice() {
    put(kPlace, *old_);
    write_code(kCode, {rv::lw(rv::kA2, rv::kA0), rv::lw(rv::kA3, rv::kA0), rv::wfi()});
  }
  template <class Edit>
  void edited_behind_the_link(Edit edit) {
    Stop& hit = schedule_.stop_at(GetParam().point, "hart", GetParam().skip);
    Thread hart{"hart", [this] { run(); }};
    hit.wait_reached();
    EXPECT_EQ(hart_.integer(rv::kA2), 0xaU);
    edit();
    hit.release();
    hart.join();
  }

  std::unique_ptr<Device> old_ = std::make_unique<Device>(fabric_, "old", 0xa);
};

TEST_P(LinkedHartAtADevice, AnotherDeviceIsPutAboveIt) {
  Device above{fabric_, "above", 0xb};
  edited_behind_the_link([&] { put(kPlace, above, 1); });
  EXPECT_FALSE(trapped());
  EXPECT_EQ(hart_.integer(rv::kA3), 0xbU);
  EXPECT_EQ(old_->reads, 1U);
}

TEST_P(LinkedHartAtADevice, ItGoes) {
  edited_behind_the_link([&] { old_.reset(); });
  EXPECT_TRUE(trapped());
  EXPECT_EQ(hart_.csr(rv::csr::kMepc), kCode + 4);
  EXPECT_EQ(hart_.csr(rv::csr::kMtval), kPlace);
  EXPECT_EQ(hart_.csr(rv::csr::kMcause), static_cast<std::uint64_t>(cpu::riscv::Cause::kLoadAccess));
}

TEST_P(LinkedHartAtADevice, ItGoesAndRamComes) {
  Ram ram{fabric_, "ram", 0x1000};
  *ram.block->host() = std::byte{0xc};
  edited_behind_the_link([&] {
    old_.reset();
    put(kPlace, ram.region);
  });
  EXPECT_FALSE(trapped());
  EXPECT_EQ(hart_.integer(rv::kA3), 0xcU);
}

TEST_P(LinkedHartAtADevice, ItMovesAndComesBack) {
  edited_behind_the_link([&] {
    commit(std::move(Transaction{}.move(old_->region, kPlace + 0x1000)));
    commit(std::move(Transaction{}.move(old_->region, kPlace)));
  });
  EXPECT_FALSE(trapped());
  EXPECT_EQ(hart_.integer(rv::kA3), 0xaU);
  EXPECT_EQ(old_->reads, 2U) << "found again, and called once";
}

INSTANTIATE_TEST_SUITE_P(, LinkedHartAtADevice,
                         ::testing::Values(Where{"InItsTranslationCache", "cpu.mmu.device_hit", 0},
                                           Where{"InItsPort", "memory.port.before_gate", 1}),
                         [](const auto& param) { return std::string{param.param.name}; });

// The hart has the host's address of RAM in its cache and stands in a device when that RAM is exchanged
// behind the link. What it loads next is of the RAM that is there now.
TEST_F(LinkedHart, TheRamItHasCachedIsExchangedWhileItStandsInADevice) {
  Ram before{fabric_, "before", 0x1000};
  Ram after{fabric_, "after", 0x1000};
  *before.block->host() = std::byte{1};
  *after.block->host() = std::byte{2};
  put(kPlace, before.region);
  write_code(kCode, {rv::lw(rv::kA2, rv::kA0), rv::lw(rv::kA4, rv::kA1), rv::lw(rv::kA3, rv::kA0), rv::wfi()});
  Stop& inside = schedule_.stop_at("test.in_read", "hart");
  Thread hart{"hart", [this] { run(); }};
  inside.wait_reached();
  EXPECT_EQ(hart_.integer(rv::kA2), 1U);
  commit(std::move(Transaction{}.remove(before.region).add(root_, kPlace, after.region)));
  before.close();
  fabric_.settle();  // nobody who stands in a device is waited for
  inside.release();
  hart.join();
  EXPECT_FALSE(trapped());
  EXPECT_EQ(hart_.integer(rv::kA3), 2U);
}

}  // namespace
}  // namespace holdfast::testing
