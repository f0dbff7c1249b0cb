// SPDX-License-Identifier: MIT
// Worker zone: the trampoline around clone(2). The child starts on an empty stack that holds the
// function and its argument, calls it, and ends its own thread; it never returns past its first
// frame (a shadow stack starts empty there).

#if defined(__x86_64__)
// In: rdi flags, rsi stack, rdx parent_tid, rcx tls, r8 child_tid, r9 run, 8(rsp) argument.
// Kernel: rdi flags, rsi stack, rdx parent_tid, r10 child_tid, r8 tls.
__asm__(R"(
    .text
    .globl aioc_zone_clone
    .hidden aioc_zone_clone
    .type aioc_zone_clone, @function
aioc_zone_clone:
    .cfi_startproc
    endbr64
    movq 8(%rsp), %rax
    andq $-16, %rsi
    subq $16, %rsi
    movq %r9, (%rsi)
    movq %rax, 8(%rsi)
    movq %r8, %r10
    movq %rcx, %r8
    movl $56, %eax
    syscall
    testq %rax, %rax
    jz 1f
    ret
1:  .cfi_undefined rip
    xorl %ebp, %ebp
    popq %rax
    popq %rdi
    call *%rax
    xorl %edi, %edi
    movl $60, %eax
    syscall
    hlt
    .cfi_endproc
    .size aioc_zone_clone, . - aioc_zone_clone
)");
#elif defined(__aarch64__)
__asm__(R"(
    .text
    .globl aioc_zone_clone
    .hidden aioc_zone_clone
    .type aioc_zone_clone, %function
aioc_zone_clone:
    .cfi_startproc
    hint #34
    and x1, x1, #-16
    stp x5, x6, [x1, #-16]!
    mov x8, #220
    svc #0
    cbz x0, 1f
    ret
1:  .cfi_undefined x30
    mov x29, #0
    mov x30, #0
    ldp x1, x0, [sp], #16
    blr x1
    mov x0, #0
    mov x8, #93
    svc #0
    brk #0
    .cfi_endproc
    .size aioc_zone_clone, . - aioc_zone_clone
)");
#elif defined(__riscv)
__asm__(R"(
    .text
    .globl aioc_zone_clone
    .hidden aioc_zone_clone
    .type aioc_zone_clone, @function
aioc_zone_clone:
    .cfi_startproc
    andi a1, a1, -16
    addi a1, a1, -16
    sd a5, 0(a1)
    sd a6, 8(a1)
    li a7, 220
    ecall
    beqz a0, 1f
    ret
1:  .cfi_undefined ra
    li s0, 0
    ld a1, 0(sp)
    ld a0, 8(sp)
    addi sp, sp, 16
    jalr a1
    li a0, 0
    li a7, 93
    ecall
    ebreak
    .cfi_endproc
    .size aioc_zone_clone, . - aioc_zone_clone
)");
#endif
