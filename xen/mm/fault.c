/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations that fail on purpose; the contract is in fault.h. */
#include "mm/fault.h"
#include "lib/atomic.h"

unsigned int alloc_fault_left;
static const void *failed_at;

bool alloc_fault_count(const void *where)
{
    unsigned int n = atomic_load(&alloc_fault_left);

    while (n && !atomic_cmpxchg(&alloc_fault_left, &n, n - 1))
        continue;
    if (n == 1)
        failed_at = where;
    return n == 1;
}

void alloc_fault_arm(unsigned int n)
{
    failed_at = NULL;
    atomic_store(&alloc_fault_left, n);
}

bool alloc_fault_disarm(const void **where)
{
    atomic_store(&alloc_fault_left, 0u);
    *where = failed_at;
    return failed_at;
}
