/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way to a guest's memory by its own addresses. A guest pointer is a type of its own; it
 * cannot be dereferenced by accident. Each function checks that the range lies outside the
 * hypervisor's part of the address space, does not wrap, opens SMAP around the access, and gives
 * -EFAULT if the guest's tables refuse. Value is fetched once: check and use the copy.
 * Context: process context of current (its address space), interrupts on.
 */
#ifndef XEN_X86_GUEST_ACCESS_H
#define XEN_X86_GUEST_ACCESS_H
#include "lib/types.h"
#include "lib/errno.h"
#include "x86/page.h"

typedef struct {
    uint64_t va;
} guest_ptr_t;

static inline guest_ptr_t guest_ptr(uint64_t va)
{
    return (guest_ptr_t){va};
}
/* From an ABI handle (XEN_GUEST_HANDLE(t), a struct with member p). */
#define guest_ptr_of(handle) guest_ptr((uint64_t)(handle).p)
static inline bool guest_ptr_null(guest_ptr_t p)
{
    return !p.va;
}

/* Any length. (x86/guest_access.c) */
int __must_check copy_from_guest_any(void *dst, guest_ptr_t src, size_t len);
int __must_check copy_to_guest_any(guest_ptr_t dst, const void *src, size_t len);

/*
 * The address itself if it is outside the hypervisor's range, else all ones, which is the guest's own
 * business: computed without a branch, so that speculation cannot pass the check. A range that starts
 * outside cannot reach inside: below lies the non-canonical gap, above it only wraps to zero.
 */
static inline uint64_t guest_checked(uint64_t va)
{
    uint64_t off = va - HV_VIRT_START, mask;

    __asm__("cmp %2,%1; sbb %0,%0"
            : "=r"(mask)
            : "r"(off), "r"(HV_VIRT_END - HV_VIRT_START)
            : "cc");
    return va | mask;
}

/* Around accesses to guest memory: STAC and CLAC on CPUs with SMAP, three-byte no-ops elsewhere.
 * (The entries of .patch_sites are those of x86/asm.h: address, PATCH_STAC 1 or PATCH_CLAC 0, 0.) */
static inline void guest_access_begin(void)
{
    __asm__ volatile("661: .byte 0x0f, 0x1f, 0x00\n\t"
                     ".pushsection .patch_sites, \"a\"; .balign 8; .quad 661b, 1, 0; .popsection" ::
                         : "memory");
}
static inline void guest_access_end(void)
{
    __asm__ volatile("662: .byte 0x0f, 0x1f, 0x00\n\t"
                     ".pushsection .patch_sites, \"a\"; .balign 8; .quad 662b, 0, 0; .popsection" ::
                         : "memory");
}
/* One access of the pointer's size, 8 or 4 bytes, at a checked address, between begin and end; jumps to the label on a fault. */
#define GUEST_LOAD(var, addr, label)                                                     \
    __asm__ goto("663: mov %1,%0\n\t"                                                    \
                 ".pushsection .extable, \"a\"; .balign 8; .quad 663b, %l2; .popsection" \
                 : "=r"(var)                                                             \
                 : "m"(*(addr))                                                          \
                 : "memory"                                                              \
                 : label)
#define GUEST_STORE(addr, val, label)                                                    \
    __asm__ goto("664: mov %0,%1\n\t"                                                    \
                 ".pushsection .extable, \"a\"; .balign 8; .quad 664b, %l2; .popsection" \
                 :                                                                       \
                 : "r"((typeof(*(addr)))(val)), "m"(*(addr))                             \
                 : "memory"                                                              \
                 : label)

/* Structures of a few words, and single 32-bit numbers, are copied in line. */
#define GUEST_INLINE_MAX 80
#define GUEST_UNROLL     STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9)
static inline __attribute__((always_inline)) int __must_check copy_from_guest(void *dst,
                                                                              guest_ptr_t src,
                                                                              size_t len)
{
    if (!__builtin_constant_p(len) || len % 4 || len > GUEST_INLINE_MAX)
        return copy_from_guest_any(dst, src, len);
    const uint64_t *s = (const uint64_t *)guest_checked(src.va);
    uint64_t *d = dst, v;

    guest_access_begin();
#define STEP(i)                         \
    if (len >= 8 * (i) + 8) {           \
        GUEST_LOAD(v, &s[i], fault);    \
        __builtin_memcpy(&d[i], &v, 8); \
    }
    GUEST_UNROLL
#undef STEP
    if (len % 8) {
        uint32_t last;
        GUEST_LOAD(last, (const uint32_t *)&s[len / 8], fault);
        __builtin_memcpy(&d[len / 8], &last, 4);
    }
    guest_access_end();
    return 0;
fault:
    guest_access_end();
    return -EFAULT;
}

static inline __attribute__((always_inline)) int __must_check copy_to_guest(guest_ptr_t dst,
                                                                            const void *src,
                                                                            size_t len)
{
    if (!__builtin_constant_p(len) || len % 4 || len > GUEST_INLINE_MAX)
        return copy_to_guest_any(dst, src, len);
    uint64_t *d = (uint64_t *)guest_checked(dst.va);
    const uint64_t *s = src;
    uint64_t v;

    guest_access_begin();
#define STEP(i)                         \
    if (len >= 8 * (i) + 8) {           \
        __builtin_memcpy(&v, &s[i], 8); \
        GUEST_STORE(&d[i], v, fault);   \
    }
    GUEST_UNROLL
#undef STEP
    if (len % 8) {
        uint32_t last;
        __builtin_memcpy(&last, &s[len / 8], 4);
        GUEST_STORE((uint32_t *)&d[len / 8], last, fault);
    }
    guest_access_end();
    return 0;
fault:
    guest_access_end();
    return -EFAULT;
}

int __must_check clear_guest(guest_ptr_t dst, size_t len);
/* Element index of an array; the multiplication is checked against overflow. */
static inline int __must_check copy_elem_from_guest(void *dst, guest_ptr_t array, uint64_t index,
                                                    size_t size)
{
    uint64_t off, va;
    if (__builtin_mul_overflow(index, size, &off) || __builtin_add_overflow(array.va, off, &va))
        return -EFAULT;
    return copy_from_guest(dst, guest_ptr(va), size);
}
static inline int __must_check copy_elem_to_guest(guest_ptr_t array, uint64_t index,
                                                  const void *src, size_t size)
{
    uint64_t off, va;
    if (__builtin_mul_overflow(index, size, &off) || __builtin_add_overflow(array.va, off, &va))
        return -EFAULT;
    return copy_to_guest(guest_ptr(va), src, size);
}
#define copy_struct_from_guest(dst, src) copy_from_guest((dst), (src), sizeof(*(dst)))
#define copy_struct_to_guest(dst, src)   copy_to_guest((dst), (src), sizeof(*(src)))

#endif
