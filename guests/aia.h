// SPDX-License-Identifier: Apache-2.0
// The advanced interrupt architecture of `virt`: where its controllers are, and their registers.
#pragma once

#include "guest.h"

#define APLIC_M 0x0c000000
#define APLIC_S 0x0d000000
#define IMSIC_M 0x24000000
#define IMSIC_S 0x28000000

// An APLIC's domain.
#define DOMAIN 0x0
#define SOURCE(i) (4 * (i))
#define MACHINE_ADDRESS 0x1bc0
#define SUPERVISOR_ADDRESS 0x1bc8
#define PENDING 0x1c00
#define SET_PENDING 0x1cdc
#define ENABLE 0x1edc
#define MESSAGE 0x3000
#define TARGET(i) (0x3000 + 4 * (i))
#define DELIVERS(hart) (0x4000 + 32 * (hart))
#define CLAIM(hart) (0x401c + 32 * (hart))
enum { DELEGATE = 0x400, LEVEL_HIGH = 6, DOMAIN_ENABLE = 0x100 };

#define SET(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"((u64)(value)) : "memory")
#define GET(csr) ({ u64 got_; __asm__ volatile("csrr %0, " #csr : "=r"(got_)::"memory"); got_; })
#define SWAP(csr) ({ u64 got_; __asm__ volatile("csrrw %0, " #csr ", x0" : "=r"(got_)::"memory"); got_; })
// By number, since assemblers do not know their names: miselect 0x350, mireg 0x351, mtopei 0x35c,
// mtopi 0xfb0, siselect 0x150, sireg 0x151, stopei 0x15c. Of a file: 0x70 eidelivery, 0xc0 eie0.

// The hart's file takes the identities from 0 to 63 that have a bit.
static inline void open_machine_file(u64 identities) {
  SET(0x350, 0x70);
  SET(0x351, 1);
  SET(0x350, 0xc0);
  SET(0x351, identities);
}
static inline void open_supervisor_file(u64 identities) {
  SET(0x150, 0x70);
  SET(0x151, 1);
  SET(0x150, 0xc0);
  SET(0x151, identities);
}

// The root says where the files of both modes are, for itself and its child.
static inline void say_where_files_are(void) {
  REG(u32, APLIC_M + MACHINE_ADDRESS + 4) = 1 << 12;  // one bit for the hart
  REG(u32, APLIC_M + MACHINE_ADDRESS) = IMSIC_M >> 12;
  REG(u32, APLIC_M + SUPERVISOR_ADDRESS) = IMSIC_S >> 12;
}
