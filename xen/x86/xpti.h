/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables for guests that hold hardly anything of the hypervisor (x86/xpti.c). */
#ifndef XEN_X86_XPTI_H
#define XEN_X86_XPTI_H
#include "x86/cpu.h"

struct audit;
struct domain;
struct vcpu;

/* Some domain runs on such tables; constant after xpti_init(). */
extern bool xpti_active;

/* Boot CPU, cpu_caps known, before its control registers are set: decide. */
void xpti_init(void);
/* Make the tables of a CPU, whose cpu_info this is. Needs the allocator; -ENOMEM. */
int xpti_init_cpu(struct cpu_info *ci);
/* Whether vCPUs of this domain run on them. */
bool xpti_for(const struct domain *d);
/* Of an audit (mm/audit.h), all CPUs at rest: what counts as a copy of a guest's root is one. */
void xpti_audit(struct audit *a);

#endif
