# SPDX-License-Identifier: Apache-2.0
# The part of a test image that does not vary: it runs the programs of a table one after another,
# each some number of times with other register values, and prints for each a hash of all that was
# seen: registers after every round, memory, every trap.
#
# The table and the parameters are written by image.py; the layout of both is there.
# What the programs rely on:
#   x30 points to the second page of the scratch memory, all other registers and f0..f31 come from pools;
#   a round starts in M-mode and ends with the ECALL at the address the table names, in any mode;
#   a fetch that faults goes on at ra, an interrupt loses its source and goes on, any other
#   trap goes on behind the instruction. Delegated traps do the same by way of s_trap. What is changed of
#   the serial port is its interrupt enable register, and of the PLIC, what is about the port's line, 10.
        .option norvc
        .option norelax
        .section .text
        .globl  _start

# Offsets in the context (`sp` while the harness runs, otherwise mscratch holds it).
        .set    X_REGS, 0               # x0..x31
        .set    F_REGS, 256             # f0..f31
        .set    INDEX, 512              # of the program, then its table entry
        .set    ENTRY, 520
        .set    HASH, 528
        .set    TRAPS, 536
        .set    ROUND, 544
        .set    STARTED, 552            # instret at the start of the round
        .set    TRAPPED, 560            # instret at the last trap
        .set    OURS, 568               # instructions of the round that were the harness's
        .set    RETIRED, 576            # instructions of the program, all rounds
        .set    LOUD, 584               # whether this program prints everything
        .set    FCSR, 592
        .set    RETURN, 600             # of print_state

# Parameters, at a fixed address.
        .set    PARAMETERS, 0x80008000
        .set    P_COUNT, 0
        .set    P_TABLE, 8
        .set    P_LOUD, 16
        .set    P_INTEGERS, 24
        .set    P_FLOATS, 32
        .set    P_SCRATCH, 40
        .set    P_TABLES, 48            # where page tables are, and their size
        .set    P_TABLES_SIZE, 56

# A table entry.
        .set    ENTRY_SHIFT, 6
        .set    E_START, 0
        .set    E_END, 8                # where its last ECALL is
        .set    E_ROUNDS, 16
        .set    E_FLAGS, 24             # 1: everything is set back each round, 2: page tables
        .set    E_LIST, 32              # pairs of address and value to write before each round
        .set    E_LIST_END, 40
        .set    E_STATUS, 48            # mstatus it starts with
        .set    E_MEMORY, 56            # bytes of scratch memory, around x30, that are compared

        .set    MOST_TRAPS, 2000
        .set    UART, 0x10000000
        .set    POWER, 0x100000
        .set    CLINT, 0x2000000
        .set    PLIC_PRIORITY, 0xc000028        # of the serial port, 10
        .set    PLIC_ENABLE, 0xc002000          # of context 0, M-mode; that of S-mode 0x80 behind
        .set    PLIC_THRESHOLD, 0xc200000       # that of S-mode 0x1000 behind; claims follow each

        .macro  mix value               # s11 = hash, s10 = multiplier; changes t6
        xor     s11, s11, \value
        mul     s11, s11, s10
        srli    t6, s11, 29
        xor     s11, s11, t6
        .endm
        .macro  mix_csr name
        csrr    t0, \name
        mix     t0
        .endm
        .macro  start_mixing
        li      s10, 0x9e3779b97f4a7c15
        ld      s11, HASH(sp)
        .endm
        .macro  each_integer operation
        .irp    n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        \operation x\n, 8*\n(sp)
        .endr
        .endm
        .macro  each_float operation
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        \operation f\n, F_REGS+8*\n(sp)
        .endr
        .endm
        .macro  say text
        la      a0, 9f
        jal     print_text
        .pushsection .rodata
9:      .asciz  "\text"
        .popsection
        .endm
        .macro  say_register register
        mv      a0, \register
        jal     print_hex
        .endm
        .macro  say_csr name
        say     " \name "
        csrr    a0, \name
        jal     print_hex
        .endm

_start:
        csrr    t0, mhartid
        bnez    t0, park
        la      sp, context
        csrw    mscratch, sp
        la      t0, m_trap
        csrw    mtvec, t0
        li      t0, CLINT
        sw      zero, 0(t0)
        li      t1, 0x4000
        add     t0, t0, t1
        li      t1, -1
        sd      t1, 0(t0)
        li      t0, -1
        sd      t0, INDEX(sp)

# The next program ---------------------------------------------------------------------------------
next_program:
        li      s0, PARAMETERS
        ld      t0, INDEX(sp)
        addi    t0, t0, 1
        sd      t0, INDEX(sp)
        ld      t1, P_COUNT(s0)
        bgeu    t0, t1, finish
        ld      t2, P_LOUD(s0)
        sub     t2, t2, t0
        seqz    t2, t2
        sd      t2, LOUD(sp)
        slli    t0, t0, ENTRY_SHIFT
        ld      t1, P_TABLE(s0)
        add     s1, t0, t1
        sd      s1, ENTRY(sp)
        sd      zero, HASH(sp)
        sd      zero, TRAPS(sp)
        sd      zero, ROUND(sp)
        sd      zero, RETIRED(sp)
        jal     set_back

        # Fixed contents for the scratch memory.
        ld      t0, P_SCRATCH(s0)
        li      t1, 0x8000
        add     t1, t0, t1
        li      t2, 0x8082808280828082  # four returns
        li      t3, 0x0101010101010101
fill_scratch:
        slli    t4, t0, 52
        bltz    t4, fill_returns        # the upper half of every page
        slli    t4, t0, 49
        bltz    t4, fill_returns        # the upper four pages
        sd      t3, 0(t0)
        j       fill_next
fill_returns:
        sd      t2, 0(t0)
fill_next:
        addi    t0, t0, 8
        bltu    t0, t1, fill_scratch

        ld      t0, E_FLAGS(s1)
        andi    t0, t0, 2
        beqz    t0, round
        ld      t0, P_TABLES(s0)
        ld      t1, P_TABLES_SIZE(s0)
        add     t1, t0, t1
clear_tables:
        sd      zero, 0(t0)
        addi    t0, t0, 8
        bltu    t0, t1, clear_tables

# A round ------------------------------------------------------------------------------------------
round:
        li      s0, PARAMETERS
        ld      s1, ENTRY(sp)
        ld      t0, E_FLAGS(s1)
        andi    t0, t0, 1
        beqz    t0, 1f
        jal     set_back
1:      ld      t0, E_LIST(s1)
        ld      t1, E_LIST_END(s1)
        j       2f
3:      ld      t2, 0(t0)
        ld      t3, 8(t0)
        sd      t3, 0(t2)
        addi    t0, t0, 16
2:      bltu    t0, t1, 3b
        fence.i
        ld      t0, E_FLAGS(s1)
        andi    t0, t0, 2
        beqz    t0, 4f
        sfence.vma
4:
        # Registers: 32 neighbours in each pool, elsewhere every round.
        ld      t0, ROUND(sp)
        li      t1, 37
        mul     t0, t0, t1
        andi    t0, t0, 0x3ff
        slli    t0, t0, 3
        ld      t2, P_FLOATS(s0)
        add     t2, t2, t0
        ld      s2, P_INTEGERS(s0)
        add     s2, s2, t0
        li      t3, 0x6000
        csrs    mstatus, t3
        csrw    fcsr, zero
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fld     f\n, 8*\n(t2)
        .endr
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,31
        ld      t0, 8*\n(s2)
        sd      t0, 8*\n(sp)
        .endr
        ld      t0, P_SCRATCH(s0)
        li      t1, 4096
        add     t0, t0, t1
        sd      t0, 8*30(sp)
        sd      zero, OURS(sp)
        ld      t0, E_START(s1)
        csrw    mepc, t0
        ld      t0, E_STATUS(s1)
        csrw    mstatus, t0
        csrr    t0, minstret
        sd      t0, STARTED(sp)
leave:
        ld      x1, 8(sp)
        each_integer ld
        ld      sp, 16(sp)
        mret
left:

# Every trap -----------------------------------------------------------------------------------------
        .align  2
m_trap:
        csrrw   sp, mscratch, sp
        sd      x1, 8(sp)
        each_integer sd
        csrrw   t0, mscratch, sp
        sd      t0, 16(sp)
        csrr    t0, minstret
trapped:
        sd      t0, TRAPPED(sp)
        csrr    s2, mcause
        csrr    s3, mtval
        csrr    s4, mepc
        csrr    s5, mstatus
        li      s0, PARAMETERS
        ld      s1, ENTRY(sp)
        start_mixing
        la      t0, s_trap
        beq     s4, t0, supervisor_trapped
        ld      t0, E_END(s1)
        bne     s4, t0, not_the_end
        addi    t1, s2, -8
        sltiu   t1, t1, 4
        bnez    t1, round_ends
not_the_end:
        jal     plain_value
        csrw    mtval, s3
        mix     s2
        mix     s3
        mix     s4
        mix     s5
        ld      t1, LOUD(sp)
        beqz    t1, 1f
        say     "trap mcause "
        say_register s2
        say     " mtval "
        say_register s3
        say     " mepc "
        say_register s4
        say     " mstatus "
        say_register s5
        jal     print_end
1:      la      t2, machine_causes
        jal     count_trap
        bltz    s2, machine_interrupt
        jal     behind
        csrw    mepc, s4
resume:
        sd      s11, HASH(sp)
        ld      t0, TRAPS(sp)
        addi    t0, t0, 1
        sd      t0, TRAPS(sp)
        li      t1, MOST_TRAPS
        bgeu    t0, t1, program_ends
        csrr    t0, minstret
resuming:
        ld      t1, TRAPPED(sp)
        sub     t0, t0, t1
        ld      t1, OURS(sp)
        add     t0, t0, t1
        ld      t1, ours_of_trap
        add     t0, t0, t1
        sd      t0, OURS(sp)
        ld      x1, 8(sp)
        each_integer ld
        ld      sp, 16(sp)
        mret
resumed:

machine_interrupt:
        jal     quieten
        j       resume

# s_trap is where delegated traps go. Its ECALL brings them here, and it goes on with its SRET.
supervisor_trapped:
        csrr    s2, scause
        csrr    s3, stval
        csrr    s4, sepc
        ld      t0, E_END(s1)
        bne     s4, t0, 1f
        addi    t1, s2, -8
        beqz    t1, supervisor_round_ends
1:      jal     plain_value
        csrw    stval, s3
        mix     s2
        mix     s3
        mix     s4
        mix     s5
        csrr    t0, sstatus
        mix     t0
        ld      t1, LOUD(sp)
        beqz    t1, 1f
        say     "trap scause "
        say_register s2
        say     " stval "
        say_register s3
        say     " sepc "
        say_register s4
        say     " mstatus "
        say_register s5
        say_csr sstatus
        jal     print_end
1:      la      t2, supervisor_causes
        jal     count_trap
        bltz    s2, 2f
        jal     behind
        csrw    sepc, s4
        j       3f
2:      jal     quieten
3:      la      t0, s_return
        csrw    mepc, t0
        j       resume

supervisor_round_ends:
        la      t2, supervisor_causes
        jal     count_trap
        j       round_ends

# s4: the place behind the instruction at s4 that caused s2, or ra.
behind:
        addi    t0, s2, -1
        beqz    t0, 1f
        addi    t0, s2, -12
        beqz    t0, 1f
        srli    t0, s4, 23
        li      t1, 0x80000000 >> 23
        bne     t0, t1, 1f
        lhu     t0, 0(s4)
        andi    t0, t0, 3
        addi    t0, t0, -3
        snez    t0, t0
        slli    t0, t0, 1
        addi    s4, s4, 4
        sub     s4, s4, t0
        ret
1:      ld      s4, 8(sp)
        ret

# What a breakpoint reports may be its address or zero: s3 becomes zero in both cases. So it does for JAL
# and branches to halfwords, for which QEMU 7.2 reports not where they would go but where they stand.
plain_value:
        beqz    s2, 2f
        addi    t0, s2, -3
        bnez    t0, 1f
        bne     s3, s4, 1f
        li      s3, 0
1:      ret
2:      lw      t0, 0(s4)
        andi    t0, t0, 0x7f
        addi    t0, t0, -0x67           # JALR
        beqz    t0, 1b
        li      s3, 0
        ret

# Takes away what interrupt s2 comes from.
quieten:
        li      t0, 1
        sll     t0, t0, s2
        csrc    mip, t0
        csrc    mie, t0
        li      t0, CLINT
        sw      zero, 0(t0)
        li      t1, 0x4000
        add     t0, t0, t1
        li      t1, -1
        sd      t1, 0(t0)
        andi    t0, s2, 15
        addi    t0, t0, -5
        bnez    t0, 1f
        csrw    0x14d, t1               # stimecmp
1:      andi    t0, s2, 15              # external: 9 or 11
        addi    t0, t0, -9
        andi    t0, t0, -3
        li      t1, 0x88
        bnez    t0, 2f
        mv      s7, ra
        jal     silence
        mv      ra, s7
        li      t1, 0xa88
2:      csrr    t0, mip                 # the lines fall some time after the stores
        and     t0, t0, t1
        bnez    t0, 2b
        ret

# The serial port asks for nothing, and the PLIC has forgotten that it did.
silence:
        li      t0, UART
        sb      zero, 1(t0)             # its interrupt enable register
        li      t0, PLIC_THRESHOLD
        li      t1, 0x1000
        add     t1, t0, t1
        lw      t2, 4(t0)               # claimed and completed, for M-mode and for S-mode
        sw      t2, 4(t0)
        lw      t2, 4(t1)
        sw      t2, 4(t1)
        ret

count_trap:
        andi    t0, s2, 31
        bgez    s2, 1f
        addi    t0, t0, 32
1:      slli    t0, t0, 3
        add     t2, t2, t0
        ld      t0, 0(t2)
        addi    t0, t0, 1
        sd      t0, 0(t2)
        ret

# The end of a round -------------------------------------------------------------------------------
round_ends:
        ld      t0, TRAPPED(sp)
        ld      t1, STARTED(sp)
        sub     t0, t0, t1
        ld      t1, OURS(sp)
        sub     t0, t0, t1
        ld      t1, ours_of_round
        sub     t0, t0, t1
        ld      t1, RETIRED(sp)
        add     t0, t0, t1
        sd      t0, RETIRED(sp)

        csrr    s3, pmpcfg0
        csrr    s4, pmpcfg2
        mix     s2
        mix     s3
        mix     s4
        mix     s5
        csrw    pmpcfg0, zero           # where an entry covers a part of a word, M-mode fails too
        li      t0, 0x1f << 56
        csrw    pmpcfg2, t0
        addi    t1, sp, 8
        addi    t2, sp, F_REGS
1:      ld      t0, 0(t1)
        mix     t0
        addi    t1, t1, 8
        bltu    t1, t2, 1b
        li      t0, 0x6000
        csrs    mstatus, t0
        csrr    t0, fcsr
        sd      t0, FCSR(sp)
        mix     t0
        each_float fsd
        addi    t1, sp, F_REGS
        addi    t2, sp, F_REGS+256
1:      ld      t0, 0(t1)
        mix     t0
        addi    t1, t1, 8
        bltu    t1, t2, 1b

        ld      t1, P_SCRATCH(s0)
        li      t0, 4096
        add     t1, t1, t0
        ld      t2, E_MEMORY(s1)
        sub     t1, t1, t2
        slli    t2, t2, 1
        add     t2, t1, t2
        j       2f
1:      ld      t0, 0(t1)
        mix     t0
        addi    t1, t1, 8
2:      bltu    t1, t2, 1b

        ld      t1, E_LIST(s1)
        ld      t2, E_LIST_END(s1)
        j       2f
1:      ld      t0, 0(t1)
        ld      t0, 0(t0)
        mix     t0
        addi    t1, t1, 16
2:      bltu    t1, t2, 1b

        ld      t0, E_FLAGS(s1)
        andi    t0, t0, 1
        beqz    t0, 1f
        mix_csr medeleg
        mix_csr mideleg
        mix_csr mie
        csrr    s6, mip
        mix     s6
        mix_csr mcounteren
        mix_csr scounteren
        mix_csr sepc
        mix_csr scause
        mix_csr stval
        mix_csr stvec
        mix_csr sscratch
        mix_csr satp
1:      sd      s11, HASH(sp)
        ld      t0, LOUD(sp)
        beqz    t0, 1f
        jal     print_state
1:      ld      t0, ROUND(sp)
        addi    t0, t0, 1
        sd      t0, ROUND(sp)
        ld      t1, E_ROUNDS(s1)
        bltu    t0, t1, round

program_ends:
        say     "P "
        ld      a0, INDEX(sp)
        jal     print_hex
        say     " "
        ld      a0, HASH(sp)
        jal     print_hex
        say     " "
        ld      a0, TRAPS(sp)
        jal     print_hex
        say     " "
        ld      a0, RETIRED(sp)
        jal     print_hex
        jal     print_end
        j       next_program

finish:
        la      s0, machine_causes
        la      s1, causes_end
        li      s2, 0
1:      ld      s3, 0(s0)
        beqz    s3, 2f
        say     "C "
        say_register s2
        say     " "
        say_register s3
        jal     print_end
2:      addi    s2, s2, 1
        addi    s0, s0, 8
        bltu    s0, s1, 1b
        say     "done"
        jal     print_end
        li      t0, POWER
        li      t1, 0x5555
        sw      t1, 0(t0)
park:
        wfi
        j       park

# The state a program starts from.
set_back:
        li      t0, 0x80
        csrc    mstatus, t0
        csrw    satp, zero
        sfence.vma
        csrw    medeleg, zero
        csrw    mideleg, zero
        csrw    mie, zero
        csrw    mip, zero
        li      t0, -1
        csrw    0x14d, t0               # stimecmp
        csrw    menvcfg, zero
        li      t0, 7
        csrw    mcounteren, t0
        csrw    scounteren, t0
        la      t0, s_trap
        csrw    stvec, t0
        csrw    sscratch, zero
        csrw    sepc, zero
        csrw    scause, zero
        csrw    stval, zero
        csrw    senvcfg, zero
        csrw    pmpcfg0, zero
        li      t0, 0x1f << 56          # the last entry opens everything
        csrw    pmpcfg2, t0
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14
        csrw    pmpaddr\n, zero
        .endr
        li      t0, -1
        srli    t0, t0, 10
        csrw    pmpaddr15, t0
        li      t0, PLIC_PRIORITY       # so that what is pending can be claimed
        li      t1, 1
        sw      t1, 0(t0)
        li      t0, PLIC_ENABLE
        li      t1, 1 << 10
        sw      t1, 0(t0)
        mv      s7, ra
        jal     silence
        sw      zero, 0(t0)
        sw      zero, 0(t1)
        li      t0, PLIC_PRIORITY
        sw      zero, 0(t0)
        li      t0, PLIC_ENABLE
        sw      zero, 0(t0)
        sw      zero, 0x80(t0)
        li      t1, 0xa00
1:      csrr    t0, mip
        and     t0, t0, t1
        bnez    t0, 1b
        jr      s7

# Text -----------------------------------------------------------------------------------------------
print_text:
        li      t0, UART
1:      lbu     t1, 0(a0)
        beqz    t1, 3f
2:      lbu     t2, 5(t0)
        andi    t2, t2, 0x20
        beqz    t2, 2b
        sb      t1, 0(t0)
        addi    a0, a0, 1
        j       1b
3:      ret

print_hex:                              # a0, without leading zeros
        li      t0, UART
        li      t1, 60
1:      beqz    t1, 2f
        srl     t2, a0, t1
        bnez    t2, 2f
        addi    t1, t1, -4
        j       1b
2:      srl     t2, a0, t1
        andi    t2, t2, 15
        sltiu   t3, t2, 10
        addi    t2, t2, 'a' - 10
        beqz    t3, 3f
        addi    t2, t2, '0' - 'a' + 10
3:      lbu     t3, 5(t0)
        andi    t3, t3, 0x20
        beqz    t3, 3b
        sb      t2, 0(t0)
        addi    t1, t1, -4
        bgez    t1, 2b
        ret

print_end:
        li      t0, UART
        li      t1, '\n'
1:      lbu     t2, 5(t0)
        andi    t2, t2, 0x20
        beqz    t2, 1b
        sb      t1, 0(t0)
        ret

print_state:                            # in a program that is loud: all that was mixed in
        sd      ra, RETURN(sp)
        say     "mip "
        say_register s6
        say     " round "
        ld      a0, ROUND(sp)
        jal     print_hex
        say     " mcause "
        say_register s2
        say     " mstatus "
        say_register s5
        say     " pmpcfg0 "
        say_register s3
        say     " pmpcfg2 "
        say_register s4
        say     " fcsr "
        ld      a0, FCSR(sp)
        jal     print_hex
        jal     print_end
        li      s6, 1
1:      say     " "
        say_register s6
        say     ":"
        slli    t0, s6, 3
        add     t0, t0, sp
        ld      a0, 0(t0)
        jal     print_hex
        addi    s6, s6, 1
        andi    t0, s6, 7
        bnez    t0, 2f
        jal     print_end
2:      li      t0, 64
        bltu    s6, t0, 1b
        ld      s6, P_SCRATCH(s0)
        li      t0, 4096
        add     s6, s6, t0
        ld      t2, E_MEMORY(s1)
        sub     s6, s6, t2
        slli    t2, t2, 1
        add     s7, s6, t2
        j       2f
1:      say_register s6
        say     ":"
        ld      a0, 0(s6)
        jal     print_hex
        jal     print_end
        addi    s6, s6, 8
2:      bltu    s6, s7, 1b
        ld      s6, E_LIST(s1)
        ld      s7, E_LIST_END(s1)
        j       2f
1:      ld      s8, 0(s6)
        say_register s8
        say     ":"
        ld      a0, 0(s8)
        jal     print_hex
        jal     print_end
        addi    s6, s6, 16
2:      bltu    s6, s7, 1b
        say_csr medeleg
        say_csr mideleg
        say_csr mie
        say_csr mcounteren
        say_csr scounteren
        say_csr sepc
        say_csr scause
        say_csr stval
        say_csr stvec
        say_csr sscratch
        say_csr satp
        jal     print_end
        say     "hash "
        say_register s11
        jal     print_end
        ld      ra, RETURN(sp)
        ret

# On a page of its own: where it is mapped, S-mode may execute it.
        .balign 4096
        .globl  s_trap
s_trap:
        ecall
s_return:
        sret
        .balign 4096

        .data
        .balign 8
# How many instructions a trap and a round take that are not the program's.
ours_of_trap:
        .dword  (trapped-m_trap)/4+(resumed-resuming)/4
ours_of_round:
        .dword  (trapped-m_trap)/4+(left-leave)/4+1
context:
        .space  768
machine_causes:                         # exceptions by number, then interrupts
        .space  64*8
supervisor_causes:
        .space  64*8
causes_end:
