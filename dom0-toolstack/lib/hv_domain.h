/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domain operations of the hypervisor (domctl), typed. Each returns 0 or a negative errno with the
 * record filled, unless it says otherwise. None of them touches xenstore: see domain.h for that.
 */
#ifndef HL_HV_DOMAIN_H
#define HL_HV_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/lib/cpumask.h"

struct hl_error;
struct hv;

enum hv_shutdown {
    HV_SHUTDOWN_POWEROFF = 0,
    HV_SHUTDOWN_REBOOT = 1,
    HV_SHUTDOWN_SUSPEND = 2,
    HV_SHUTDOWN_CRASH = 3,
    HV_SHUTDOWN_WATCHDOG = 4,
    HV_SHUTDOWN_SOFT_RESET = 5,
};

struct hv_domain_info {
    uint32_t domid;
    uint8_t uuid[16];
    bool running, blocked, paused, shutdown, dying, hvm, hap, xenstore;
    unsigned int shutdown_reason; /* enum hv_shutdown where `shutdown` */
    uint64_t pages, max_pages, outstanding_pages, shared_pages, paged_pages;
    uint64_t shared_info_frame;
    uint64_t cpu_time_ns;
    uint32_t vcpus_online;
    uint32_t max_vcpu_id;
    uint32_t cpupool;
};

/* All domains, ascending; *list is malloc'd (NULL for none). */
int hv_domain_list(struct hv *hv, struct hv_domain_info **list, size_t *count, struct hl_error *e);
/* One domain; -ESRCH when it does not exist. */
int hv_domain_info(struct hv *hv, uint32_t domid, struct hv_domain_info *info, struct hl_error *e);

struct hv_domain_create {
    uint8_t uuid[16];
    uint32_t max_vcpus;
    uint32_t max_evtchn_port;
    int32_t max_grant_frames, max_maptrack_frames; /* < 0: the hypervisor's default */
    uint32_t grant_version;                        /* highest that the guest may choose */
    uint32_t cpupool;
};
/* A new empty paused PV domain; *domid IN: the wished number or 0 for any; OUT: its number. */
int hv_domain_create(struct hv *hv, const struct hv_domain_create *c, uint32_t *domid,
                     struct hl_error *e);
/* Preemptible; returns when all is gone. -ESRCH when it is already. */
int hv_domain_destroy(struct hv *hv, uint32_t domid, struct hl_error *e);
int hv_domain_pause(struct hv *hv, uint32_t domid, struct hl_error *e);
int hv_domain_unpause(struct hv *hv, uint32_t domid, struct hl_error *e);
int hv_domain_resume(struct hv *hv, uint32_t domid, struct hl_error *e);
/* Ends it from outside with this reason (SCHEDOP_remote_shutdown). */
int hv_domain_shutdown(struct hv *hv, uint32_t domid, enum hv_shutdown reason, struct hl_error *e);
int hv_domain_set_uuid(struct hv *hv, uint32_t domid, const uint8_t uuid[16], struct hl_error *e);
/* XEN_DOMCTL_SENDTRIGGER_* */
int hv_domain_trigger(struct hv *hv, uint32_t domid, uint32_t trigger, uint32_t vcpu,
                      struct hl_error *e);

int hv_domain_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t max, struct hl_error *e);
int hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib, struct hl_error *e);
int hv_domain_set_address_size(struct hv *hv, uint32_t domid, uint32_t bits, struct hl_error *e);
int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits, struct hl_error *e);
int hv_domain_set_node_affinity(struct hv *hv, uint32_t domid, const struct hl_cpumask *nodes,
                                struct hl_error *e);
/* TSC mode: 0 default, 1 always emulated, 2 native, 3 native with parameters. */
int hv_domain_set_tsc(struct hv *hv, uint32_t domid, uint32_t mode, uint32_t khz,
                      uint32_t incarnation, uint64_t elapsed_ns, struct hl_error *e);
/* Fills a hypercall page in frame `gmfn`. */
int hv_domain_init_hypercall_page(struct hv *hv, uint32_t domid, uint64_t gmfn, struct hl_error *e);

struct vcpu_guest_context;
int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctxt, struct hl_error *e);
int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctxt, struct hl_error *e);

struct hv_vcpu_info {
    uint32_t vcpu;
    bool online, blocked, running;
    uint64_t cpu_time_ns;
    uint32_t cpu;
};
/* -ESRCH: no such vCPU (or domain). */
int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hv_vcpu_info *info,
                 struct hl_error *e);
/*
 * Either mask may be NULL: untouched. `force` also undoes a pin that the guest asked for. The
 * masks come back as what is in effect (intersected with the pool's online CPUs).
 */
int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hl_cpumask *hard,
                         struct hl_cpumask *soft, bool force, struct hl_error *e);
int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hl_cpumask *hard,
                         struct hl_cpumask *soft, struct hl_error *e);

/* Weight and cap; HL_UNSET_INT (-1) leaves one as it is. */
struct hv_sched_params {
    int weight;
    int cap;
};
int hv_domain_sched_get(struct hv *hv, uint32_t domid, struct hv_sched_params *p,
                        struct hl_error *e);
int hv_domain_sched_set(struct hv *hv, uint32_t domid, const struct hv_sched_params *p,
                        struct hl_error *e);

#endif
