/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the compiler calls for __builtin_popcountll: POPCNT is not in the base of x86-64. */
#include "lib/types.h"

#ifdef __HYPERVISOR__
int __popcountdi2(long long v);

/* Sums of bits in ever wider fields; the multiplication adds up the eight bytes. */
int __popcountdi2(long long v)
{
    uint64_t n = (uint64_t)v;

    n -= n >> 1 & 0x5555555555555555;
    n = (n & 0x3333333333333333) + (n >> 2 & 0x3333333333333333);
    n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (int)(n * 0x0101010101010101 >> 56);
}
#endif
