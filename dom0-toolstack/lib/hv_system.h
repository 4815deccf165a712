/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on the host as a whole (sysctl, xen_version), typed. 0 or a negative errno with the
 * record filled.
 */
#ifndef HL_HV_SYSTEM_H
#define HL_HV_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/lib/cpumask.h"

struct hl_error;
struct hv;

struct hv_physinfo {
    uint32_t threads_per_core, cores_per_socket, nr_cpus, max_cpu_id, nr_nodes, max_node_id;
    uint32_t cpu_khz;
    bool cap_hvm, cap_pv, cap_directio, cap_hap, cap_shadow, cap_iommu_hap_pt_share, cap_vmtrace,
        cap_vpmu, cap_gnttab_v1, cap_gnttab_v2;
    uint64_t total_pages, free_pages, scrub_pages, outstanding_pages, max_mfn;
    uint64_t sharing_freed_pages, sharing_used_frames;
    uint32_t hw_cap[8];
};
int hv_physinfo(struct hv *hv, struct hv_physinfo *info, struct hl_error *e);

struct hv_version {
    unsigned int major, minor;
    char extra[16];
    char capabilities[1024];
    char changeset[64];
    char compiler[64], compile_by[16], compile_domain[32], compile_date[32];
    char commandline[1024];
    char build_id[129]; /* hex; "" when the hypervisor has none */
    uint64_t virt_start;
    uint32_t page_size;
};
int hv_version(struct hv *hv, struct hv_version *v, struct hl_error *e);
/* Just "xen-MAJOR.MINOR-ARCH" as start_info's magic needs it; 0 or negative errno. */
int hv_version_numbers(struct hv *hv, unsigned int *major, unsigned int *minor, struct hl_error *e);

#define HV_TOPO_NONE (~0u)
struct hv_cpu_topo {
    uint32_t core, socket, node; /* HV_TOPO_NONE: not online */
};
struct hv_node_info {
    uint64_t mem_bytes, free_bytes; /* mem_bytes ~0: no such node */
};
struct hv_topology {
    size_t nr_cpus, nr_nodes;
    struct hv_cpu_topo *cpus;
    struct hv_node_info *nodes;
    uint32_t *distance; /* nr_nodes * nr_nodes */
};
int hv_topology(struct hv *hv, struct hv_topology *t, struct hl_error *e);
void hv_topology_free(struct hv_topology *t);

struct hv_cpupool_info {
    uint32_t id, sched_id, nr_domains;
    struct hl_cpumask cpus;
};
/* The pool with the lowest id >= *id*; -ENOENT past the last (the record stays empty then). */
int hv_cpupool_info(struct hv *hv, uint32_t id, struct hv_cpupool_info *info, struct hl_error *e);
/* CPUs in no pool. */
int hv_cpupool_free_cpus(struct hv *hv, struct hl_cpumask *cpus, struct hl_error *e);

/* XEN_SCHEDULER_*, and its name as `xl info` prints it ("credit2"; "unknown"). */
int hv_sched_id(struct hv *hv, uint32_t *id, struct hl_error *e);
const char *hv_sched_name(uint32_t id);
/* Credit2's pool-wide rate limit. */
int hv_sched_credit2_get(struct hv *hv, uint32_t pool, unsigned int *ratelimit_us,
                         struct hl_error *e);
int hv_sched_credit2_set(struct hv *hv, uint32_t pool, unsigned int ratelimit_us,
                         struct hl_error *e);

/*
 * The hypervisor's console ring as malloc'd text (with a NUL after it, not counted). `clear`
 * empties the ring. *index, where not NULL, is IN the place to go on from and OUT the next.
 */
int hv_console_read(struct hv *hv, bool clear, char **text, size_t *len, struct hl_error *e);
int hv_console_read_from(struct hv *hv, uint32_t *index, char **text, size_t *len,
                         struct hl_error *e);
int hv_debug_keys(struct hv *hv, const char *keys, struct hl_error *e);

/* Idle nanoseconds of each CPU; *ns is malloc'd. */
int hv_cpu_idle_times(struct hv *hv, uint64_t **ns, size_t *count, struct hl_error *e);

#endif
