/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the typed hypercalls (hv_*.c) share; not for users of the library. */
#ifndef HL_HV_PRIVATE_H
#define HL_HV_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

struct hl_error;
struct hv;
struct xen_domctl;
struct xen_sysctl;

#define HV_ARGS_SIZE 4096

struct hv {
    int fd;     /* /dev/xen/privcmd */
    int buf_fd; /* /dev/xen/hypercall, or -1 */
    void *args; /* one hypercall buffer for argument structures; used by one call at a time */
};

/* Fills in the version, makes the call from the argument buffer and copies the answer back. */
long hv_domctl(struct hv *hv, struct xen_domctl *op);
long hv_sysctl(struct hv *hv, struct xen_sysctl *op);

/* A call (number, command, structure) whose argument goes through the argument buffer both ways. */
long hv_call_struct(struct hv *hv, unsigned int nr, unsigned int cmd, void *arg, size_t size);

/* The record for a failed domctl: names the domain, explains the common numbers. */
int hv_domctl_fail(struct hl_error *e, long rc, uint32_t domid, const char *step);
int hv_sysctl_fail(struct hl_error *e, long rc, const char *step);

#endif
