# SPDX-License-Identifier: Apache-2.0
# Ends by the host-target interface as instruction-set tests do: prints a line through its console,
# writes another by a system call, then ends with STATUS. With HALF it stores only the lower word of
# its last command, again and again; hart 0 does it all.
    .ifndef STATUS
    .equ STATUS, 0
    .endif
    .equ COMMAND, STATUS << 1 | 1

    .section .text.init, "ax"
    .globl _start
_start:
    csrr  t0, mhartid
    bnez  t0, park
    la    s0, line
next:
    lbu   t1, 0(s0)
    beqz  t1, call
    li    t2, 0x0101
    slli  t2, t2, 48
    or    t1, t1, t2
    la    t3, tohost
    sd    t1, 0(t3)
    la    t3, fromhost
answer:
    ld    t1, 0(t3)
    beqz  t1, answer
    sd    zero, 0(t3)
    addi  s0, s0, 1
    j     next
call:
    la    t1, words
    li    t2, 64
    sd    t2, 0(t1)
    li    t2, 1
    sd    t2, 8(t1)
    la    t2, text
    sd    t2, 16(t1)
    li    t2, 5
    sd    t2, 24(t1)
    fence
    la    t3, tohost
    sd    t1, 0(t3)
    la    t3, fromhost
done:
    ld    t2, 0(t3)
    beqz  t2, done
    sd    zero, 0(t3)
    ld    t2, 0(t1)
    li    t3, 5
    li    a0, 0xff
    bne   t2, t3, end
    li    a0, COMMAND
end:
    la    t3, tohost
    sw    a0, 0(t3)
    .ifndef HALF
    sw    zero, 4(t3)
    .endif
    j     end
park:
    wfi
    j     park

    .data
    .balign 8
words:
    .fill 8, 8, 0
line:
    .asciz "htif console\n"
text:
    .ascii "call\n"

    .section .tohost, "aw"
    .balign 64
    .globl tohost
tohost:
    .dword 0
    .balign 64
    .globl fromhost
fromhost:
    .dword 0
