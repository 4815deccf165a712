/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What many hypercalls need: the domain that an argument names, and a word about missing calls. */
#include "hypercalls/hypercall.h"

struct domain *domain_get_controlled(domid_t id, long *rc)
{
    struct domain *d = domain_get_self_or(id);

    if (!d) {
        *rc = -ESRCH;
        return NULL;
    }
    if (d != current->domain && !domain_controls(current->domain, d)) {
        domain_put(d);
        *rc = -EPERM;
        return NULL;
    }
    return d;
}

/* The first call of each kind is worth a line; a guest that repeats it must not fill the log. A bit a
 * hash: two kinds may share one, then the second goes without. */
long hypercall_enosys(const char *name, unsigned long sub)
{
    static uint64_t seen[16];
    uint32_t hash = (uint32_t)sub * 2654435761u;

    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    if (!test_and_set_bit(seen, hash % (64 * ARRAY_SIZE(seen))))
        printk(LOG_G_INFO "%s %lu is not implemented (first called by d%u)\n", name, sub,
               current->domain->id);
    return -ENOSYS;
}
