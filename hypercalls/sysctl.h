/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: handlers, by file. As domctl's (domctl.h), under a lock of their own. */
#ifndef HYPERCALLS_SYSCTL_H
#define HYPERCALLS_SYSCTL_H
#include "hypercalls/hypercall.h"
#include "hypercalls/abi/sysctl.h"

typedef long (*sysctl_fn)(struct xen_sysctl *op);

/* sysctl_host.c */
long sysctl_readconsole(struct xen_sysctl *op);
long sysctl_debug_keys(struct xen_sysctl *op);
long sysctl_physinfo(struct xen_sysctl *op);
long sysctl_getcpuinfo(struct xen_sysctl *op);
long sysctl_availheap(struct xen_sysctl *op);
long sysctl_cputopoinfo(struct xen_sysctl *op);
long sysctl_numainfo(struct xen_sysctl *op);
long sysctl_pcitopoinfo(struct xen_sysctl *op);
long sysctl_get_cpu_levelling_caps(struct xen_sysctl *op);
long sysctl_get_cpu_featureset(struct xen_sysctl *op);
long sysctl_get_cpu_policy(struct xen_sysctl *op);
/* sysctl_sched.c */
long sysctl_sched_id(struct xen_sysctl *op);
long sysctl_getdomaininfolist(struct xen_sysctl *op);
long sysctl_cpupool_op(struct xen_sysctl *op);
long sysctl_scheduler_op(struct xen_sysctl *op);

#endif
