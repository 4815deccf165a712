/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies to and from current's address space; the contract is in guest_access.h. */
#include "x86/guest_access.h"
#include "x86/cpu.h"
#include "x86/page.h"

unsigned long raw_copy_user(void *dst, const void *src, unsigned long n);
unsigned long raw_clear_user(void *dst, unsigned long n);

int copy_from_guest_any(void *dst, guest_ptr_t src, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_copy_user(dst, (const void *)guest_checked(src.va), len)) ? -EFAULT : 0;
}

int copy_to_guest_any(guest_ptr_t dst, const void *src, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_copy_user((void *)guest_checked(dst.va), src, len)) ? -EFAULT : 0;
}

int clear_guest(guest_ptr_t dst, size_t len)
{
    if (unlikely(!len))
        return 0;
    return unlikely(raw_clear_user((void *)guest_checked(dst.va), len)) ? -EFAULT : 0;
}
