# SPDX-License-Identifier: Apache-2.0
# Runs from the first bank of flash and prints a line: in M mode by the console itself, or with SBI in S
# mode by firmware, which has left the hart's number in a0. Then it switches the machine off.
    .equ UART,   0x10000000
    .equ SYSCON, 0x100000

    .section .text.init, "ax"
    .globl _start
_start:
    .ifdef SBI
    la    s0, line
next:
    lbu   a0, 0(s0)
    beqz  a0, off
    li    a7, 1                # console_putchar
    ecall
    addi  s0, s0, 1
    j     next
off:
    li    a7, 0x53525354       # system reset
    li    a6, 0
    li    a0, 0                # shut down
    li    a1, 0
    ecall
    .else
    csrr  t0, mhartid
park:
    bnez  t0, park
    la    s0, line
    li    s1, UART
next:
    lbu   t0, 0(s0)
    beqz  t0, off
    sb    t0, 0(s1)
    addi  s0, s0, 1
    j     next
off:
    li    s1, SYSCON
    li    t0, 0x5555
    sw    t0, 0(s1)
    j     off
    .endif
line:
    .asciz "run from flash\n"
