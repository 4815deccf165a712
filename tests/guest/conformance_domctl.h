/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the domctl family share: one operation's argument and two domains. */
#ifndef TESTS_GUEST_CONFORMANCE_DOMCTL_H
#define TESTS_GUEST_CONFORMANCE_DOMCTL_H

#include "kit/domains.h"

extern struct xen_domctl conform_domctl_op;
extern domid_t conform_whole, conform_empty;

void conform_domctl_clear(void);
/* Issues the operation as it stands. */
long conform_domctl_call(uint32_t cmd, domid_t dom);

/* conformance_domctl_cpu.c: `w` is conform_whole. */
void conform_domctl_vcpus(const struct domain *w);

#endif
