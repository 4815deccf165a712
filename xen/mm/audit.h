/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit: proves the isolation invariant of mm/frame.h from nothing but the state as it is. It
 * recounts every reference and type use of every frame (from page tables, pins, vCPUs, descriptor
 * windows, event pages, grants in use), walks every list, and compares. It reads, never writes, and
 * shares no function with what it checks: none that takes, drops or moves a reference.
 *
 * At rest: no CPU may be within a hypercall, tasklet or the like. The debug key 'I' stops them so
 * (console/key_audit.c); on the host it is so between two hypercalls. Tables validated or taken apart in part,
 * queued frames, and domains that are dying are states at rest.
 *
 *   mm/audit.c            frames, lists, free memory; the comparison
 *   mm/audit_tables.c     page tables, vCPUs' roots, descriptor windows, CR3s
 *   domain/audit_grants.c, domain/audit_events.c
 */
#ifndef XEN_MM_AUDIT_H
#define XEN_MM_AUDIT_H
#include "lib/cpumask.h"
#include "mm/frame.h"
#include "hypercalls/abi/xen.h"

struct domain;
struct vcpu;

/* What a frame ought to have. */
struct audit_frame {
    uint32_t refs, uses; /* references; those that are type uses, too */
    uint16_t host_ro,
        host_rw;   /* one domain's grant mappings of it, while its tables are looked at */
    uint8_t kinds; /* bit t: used as FRAME_t */
    uint8_t marks; /* AUDIT_FREE, ... */
    uint16_t unused;
};
#define AUDIT_FREE   1u /* on a free list, or within a free block */
#define AUDIT_LISTED 2u /* on its domain's list */

struct audit {
    /* From the caller. frame: audit_memory_size() bytes; say: where violations go, a line each. */
    struct audit_frame *frame;
    void (*say)(const char *fmt, ...) __printf(1, 2);
    cpumask_t cpus; /* those whose state follows */
    uint64_t cr3[MAX_CPUS];
    const struct vcpu *running[MAX_CPUS];
    /* What the rest does not know of, if any: called once; may use AUDIT(), and audit_count() for references. */
    void (*others)(struct audit *a);

    /* Results. */
    uint64_t frames, tables, grants,
        channels; /* of domains; validated; pinned entries; not closed */
    uint64_t violations;
};

size_t audit_memory_size(void);
/* True: consistent. Says each violation (the first AUDIT_MAX_LINES of them), no more. */
bool audit_run(struct audit *a);

/* ---- among the audit's files ---- */

#define AUDIT_MAX_LINES 40
/* A fact that must hold; when it does not, it is said. The value is the condition's. */
#define AUDIT(a, cond, fmt, ...)                                 \
    ({                                                           \
        bool holds_ = (cond);                                    \
        if (unlikely(!holds_) && audit_violation(a))             \
            (a)->say(LOG_ERR "audit: " fmt "\n", ##__VA_ARGS__); \
        holds_;                                                  \
    })
/* Counts one; whether it is to be said. */
bool audit_violation(struct audit *a);
/* One more reference on a frame, and if kind is not FRAME_NONE, a use as that. */
void audit_count(struct audit *a, uint64_t mfn, enum frame_type kind);
/* The domain with that id, from the list; NULL: none. */
struct domain *audit_domain(domid_t id);
/* Whether the frame belongs to a domain (or is shared with one): its owner and counts mean something. */
static inline bool audit_owned(const struct frame *f)
{
    return (f->info & FI_RAM) && f->owner < 0xfffe;
}
/* Validated and in use, as a table. */
static inline bool audit_is_table(uint64_t info)
{
    uint64_t type = (info & FI_TYPE) >> FI_TYPE_SHIFT;
    return (info & FI_TCOUNT) && type >= FRAME_L1 && type <= FRAME_L4;
}

void audit_tables(struct audit *a);
void audit_vcpus(struct audit *a, struct domain *d);
void audit_cpus(struct audit *a);
void audit_grants(struct audit *a);
void audit_events(struct audit *a, struct domain *d);

#endif
