/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies to and from current's address space; the contract is in guest_access.h. */
#include "x86/guest_access.h"
#include "x86/cpu.h"
#include "x86/page.h"

unsigned long raw_copy_user(void *dst, const void *src, unsigned long n);
unsigned long raw_clear_user(void *dst, unsigned long n);

/*
 * The address itself if it is outside the hypervisor's range, else all ones, where an access
 * faults: computed without a branch, so that speculation cannot pass the check. A range that starts
 * outside cannot reach inside: below lies the non-canonical gap, above it only wraps to zero.
 */
static inline uint64_t checked(uint64_t va)
{
    uint64_t off = va - HV_VIRT_START, mask;

    __asm__("cmp %2,%1; sbb %0,%0"
            : "=r"(mask)
            : "r"(off), "r"(HV_VIRT_END - HV_VIRT_START)
            : "cc");
    return va | mask;
}

int copy_from_guest(void *dst, guest_ptr_t src, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_copy_user(dst, (const void *)checked(src.va), len)) ? -EFAULT : 0;
}

int copy_to_guest(guest_ptr_t dst, const void *src, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_copy_user((void *)checked(dst.va), src, len)) ? -EFAULT : 0;
}

int clear_guest(guest_ptr_t dst, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_clear_user((void *)checked(dst.va), len)) ? -EFAULT : 0;
}
