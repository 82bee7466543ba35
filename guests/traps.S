# SPDX-License-Identifier: Apache-2.0
# Traps of several kinds, one behind the other, from M, S and U mode; then the end, by the test device.
# What each is can be seen in a log alone.
    .equ TEST_DEVICE, 0x100000
    .equ NOWHERE, 0x80000     # no memory, and no device

    .section .text.init, "ax"
    .globl _start
_start:
    la    t0, handler
    csrw  mtvec, t0
    li    t0, -1
    csrw  pmpaddr0, t0
    li    t0, 0x1f
    csrw  pmpcfg0, t0
call_m:
    ecall
zeroes:
    .word 0
break:
    ebreak
    li    t1, NOWHERE
load:
    lw    t2, 0(t1)
store:
    sw    t2, 4(t1)
    li    t0, 3 << 11
    csrc  mstatus, t0
    li    t0, 1 << 11
    csrs  mstatus, t0         # MPP: S
    la    t0, supervisor
    csrw  mepc, t0
    mret
supervisor:
    ecall
register:
    csrr  t0, mscratch        # not from S
    la    t0, user
    csrw  sepc, t0
    li    t0, 0x100
    csrc  sstatus, t0
    sret
user:
    ecall
ones:
    .word 0xffffffff
    li    a7, 93
last:
    ecall
    j     .

    .balign 4
handler:                      # goes on behind what trapped; all of those are four bytes long
    li    t3, 93
    beq   a7, t3, end
    csrr  t3, mepc
    addi  t3, t3, 4
    csrw  mepc, t3
    mret
end:
    li    t3, TEST_DEVICE
    li    t4, 0x5555
    sw    t4, 0(t3)
    j     .
