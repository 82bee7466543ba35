# SPDX-License-Identifier: Apache-2.0
# Loads the UART's line status register LOADS times (a multiple of 16), then switches the machine
# off. For `-M virt -bios`; made and run by bench/guest_mmio.py.
    .equ UART_LSR, 0x10000005
    .equ SYSCON,   0x100000
    .equ POWEROFF, 0x5555

    .globl _start
_start:
    csrr  t0, mhartid
    bnez  t0, park
    li    t0, UART_LSR
    li    t1, LOADS / 16
    beqz  t1, off
again:
    .rept 16
    lbu   t2, 0(t0)
    .endr
    addi  t1, t1, -1
    bnez  t1, again
off:
    li    t0, SYSCON
    li    t1, POWEROFF
    sw    t1, 0(t0)
park:
    wfi
    j     park
