// SPDX-License-Identifier: Apache-2.0
#include "holdfast/cpu/riscv/core.hpp"

namespace holdfast::cpu::riscv {

void Core::privilege_changed() {
  const std::uint64_t status = csr.mstatus;
  Privilege effective = privilege;
  if ((status & mstatus::kMprv) != 0)
    effective = static_cast<Privilege>((status & mstatus::kMpp) >> mstatus::kMppShift);
  mmu.set_data_privilege(
      effective, (status & mstatus::kSum) != 0 ? UserAccess::kPermitted : UserAccess::kDenied);
}

void Core::configure(const HartConfig& hart_config) {
  config = hart_config;
  mmu.set_protection(config.isa.has(Extension::kPmp) ? Protection::kPmp : Protection::kNone);
  code.set_isa(config.isa);
  reset();
}

void Core::reset() {
  x.fill(0);
  f.fill(0);
  pc = config.reset_vector;
  privilege = Privilege::kMachine;
  csr = Csrs{};
  csr.menvcfg = environment_at_reset(config.isa);
  csr.cycle.set(0, retired);
  csr.instret.set(0, retired);
  mmu.drop_reservation();
  waiting = false;
  idling = false;
  host_call = false;
  pmp.reset();
  mmu.set_root(0);
  mmu.set_execute_readable(false);
  mmu.set_marking(marking(csr.menvcfg));
  code.clear();
  privilege_changed();
  signals.take_edges();
  signals.look_again();
}

}  // namespace holdfast::cpu::riscv
