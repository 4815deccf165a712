/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to the hypervisor: /dev/xen/privcmd for hypercalls and foreign mappings,
 * /dev/xen/hypercall for memory that a hypercall may safely touch. Typed calls are in hv_domain.h,
 * hv_system.h, hv_memory.h and hv_event.h. A connection may be used by one thread at a time.
 */
#ifndef HL_HV_H
#define HL_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_error;
struct hv;

/* Opens the devices. The record says whether the host does not run under a hypervisor at all,
 * the module is missing or the right to open it. */
int hv_open(struct hv **hv, struct hl_error *e);
void hv_close(struct hv *hv);

/* The hypercall `nr` as the hypervisor answers it: >= 0, or a negative errno. */
long hv_call(struct hv *hv, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
             uint64_t a5);

/*
 * Page-aligned zeroed memory whose pages stay resident while a hypercall uses it (the hypervisor
 * takes no page fault on our behalf). NULL when out of memory. Free with the same size.
 */
void *hv_buffer_alloc(struct hv *hv, size_t size);
void hv_buffer_free(struct hv *hv, void *buffer, size_t size);

/*
 * Maps `count` frames of domain `domid` (machine frame numbers for a PV domain); read and write.
 * errors[i], where `errors` is not NULL, gets each frame's negative errno; without it the first
 * failing frame fails the whole. Undone by hv_unmap().
 */
void *hv_map_frames(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                    bool writable, int *errors, struct hl_error *e);

/* Maps pages of a resource (XENMEM_resource_*), see the ABI's memory.h. Undone by hv_unmap(). */
void *hv_map_resource(struct hv *hv, uint32_t domid, uint32_t type, uint32_t id, uint32_t frame,
                      size_t count, struct hl_error *e);
void hv_unmap(void *p, size_t count);

/* One buffer of a device-model operation. */
struct hv_dm_buf {
    void *data;
    size_t size;
};
/* dm_op: 0 or a negative errno. At most 16 buffers. */
int hv_dm_op(struct hv *hv, uint32_t domid, const struct hv_dm_buf *bufs, unsigned int count);

#endif
