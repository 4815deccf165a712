/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate. A handler copies its request in, checks rights and ranges while changing nothing, calls
 * the mechanism with checked copies, and copies the answer out. Handlers run in process context of
 * current with interrupts on and no locks held.
 */
#ifndef HYPERCALLS_HYPERCALL_H
#define HYPERCALLS_HYPERCALL_H
#include "lib/lib.h"
#include "x86/guest_access.h"
#include "domain/domain.h"

/* HYPERCALL(hc_sched_op) { ... a1 ... a5 ... } defines a handler: five raw argument registers. */
#define HYPERCALL_ARGS                                                               \
    unsigned long a1 __unused, unsigned long a2 __unused, unsigned long a3 __unused, \
        unsigned long a4 __unused, unsigned long a5 __unused
#define HYPERCALL(fn) long fn(HYPERCALL_ARGS)

/* Columns of hypercalls/table.h */
#define HC_PV   1u /* who may call: kinds of guest */
#define HC_HVM  2u
#define HC_ALL  (HC_PV | HC_HVM)
#define HC_PRIV 4u /* Domain 0 only; others get -EPERM */

/* Hypercall numbers are below this; slots without a handler answer -ENOSYS. */
#define HYPERCALL_SLOTS 64
typedef long (*hypercall_fn)(HYPERCALL_ARGS);
/* One per kind of guest and privilege, so that the right to call is the presence in the table
 * (pv/hypercall.c). */
extern const hypercall_fn hypercalls_pv[HYPERCALL_SLOTS], hypercalls_pv_priv[HYPERCALL_SLOTS];

#define T(nr, name, nargs, who, handler) HYPERCALL(handler);
#include "hypercalls/table.h"
#undef T

/*
 * Long work: call preempt_check() every so often; when true, return
 * hypercall_continuation(nr, nargs, a1, ...), which arranges that the guest re-issues the call with
 * these arguments (its instruction pointer is put back), or that a multicall resumes at it.
 */
bool preempt_check(void);
long hypercall_continuation(unsigned int nr, unsigned int nargs, ...);
/* Reports "not implemented" once per (hypercall, sub-operation); returns -ENOSYS. */
long hypercall_enosys(const char *name, unsigned long sub);
/* Domain id of an argument: DOMID_SELF, or any if current controls it. NULL: *rc says why. */
struct domain *domain_get_controlled(domid_t id, long *rc);

#endif
