/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host stand-in for hypercalls: a guest's memory at guest addresses from GUEST_BASE on, with one
 * page that may fault, and the continuation that a handler asked for.
 */
#include "host/guest.h"

char guest_memory[GUEST_SIZE];
uint64_t guest_fault_from = ~0ull, guest_fault_to = ~0ull;
struct guest_continuation guest_continuation;

static char *at(guest_ptr_t p, size_t len)
{
    uint64_t off = p.va - GUEST_BASE;

    if (off > GUEST_SIZE || len > GUEST_SIZE - off)
        return NULL;
    if (p.va < guest_fault_to && p.va + len > guest_fault_from)
        return NULL;
    return guest_memory + off;
}

int copy_from_guest(void *dst, guest_ptr_t src, size_t len)
{
    const char *p = at(src, len);

    if (!len)
        return 0;
    if (!p)
        return -EFAULT;
    memcpy(dst, p, len);
    return 0;
}
int copy_to_guest(guest_ptr_t dst, const void *src, size_t len)
{
    char *p = at(dst, len);

    if (!len)
        return 0;
    if (!p)
        return -EFAULT;
    memcpy(p, src, len);
    return 0;
}

long hypercall_continuation(unsigned int nr, unsigned int nargs, ...)
{
    va_list ap;

    guest_continuation.asked = true;
    guest_continuation.nr = nr;
    va_start(ap, nargs);
    for (unsigned int i = 0; i < nargs; i++)
        guest_continuation.args[i] = va_arg(ap, unsigned long);
    va_end(ap);
    return nr;
}
