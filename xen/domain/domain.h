/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains and vCPUs: what they are made of, how they are found, created, stopped and destroyed.
 *
 * struct domain is type-stable memory: once allocated it only ever holds domains, so that a
 * look-up without locks can try to take a reference and then check the id.
 */
#ifndef XEN_DOMAIN_DOMAIN_H
#define XEN_DOMAIN_DOMAIN_H
#include "lib/cpumask.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/rangeset.h"
#include "mm/frame.h"
#include "sched/sched.h"
#include "sched/softirq.h"
#include "domain/event_channel.h"
#include "pv/pv.h"
#include "hypercalls/abi/xen.h"
#include "hypercalls/abi/vcpu.h"
#include "hypercalls/abi/domctl.h"

struct grant_table;
struct hvm_domain;
struct hvm_vcpu;
struct domain_pirqs;
struct cpu_policy;

/* vcpu.pause_flags: why a vCPU must not run. Atomic bits. */
#define VPF_BLOCKED (1u << 0) /* SCHEDOP_block, until an event */
#define VPF_DOWN    (1u << 1) /* not brought up yet, or VCPUOP_down */
#define VPF_POLL    (1u << 2) /* SCHEDOP_poll */

struct vcpu {
    unsigned int id;
    unsigned int processor; /* CPU it runs on or ran on last (run-queue lock) */
    struct domain *domain;
    struct vcpu_info *vcpu_info;   /* mapped in the hypervisor; guest-writable memory */
    struct frame *vcpu_info_frame; /* reference, if registered elsewhere than shared_info */

    uint32_t pause_flags; /* VPF_*, atomic */
    uint32_t pause_count; /* atomic */
    bool is_running;      /* on a CPU, or registers not saved yet; set by sched */
    bool initialised;     /* context was set */
    struct sched_vcpu sched;
    cpumask_t hard_affinity, soft_affinity, dirty_cpu /* CPU whose TLB may hold its entries */;

    struct vcpu_runstate_info runstate;
    uint64_t runstate_area; /* guest virtual address or 0 (PV, VCPUOP 5) */
    uint64_t time_area;     /* secondary time info, likewise (VCPUOP 13) */

    struct timer singleshot_timer, periodic_timer, poll_timer;
    s_time_t periodic_period, periodic_last;
    int poll_port; /* VPF_POLL: single port polled, or -1 for several */
    evtchn_port_t virq_to_evtchn[NR_VIRQS];
    struct spinlock virq_lock; /* LOCK_EVTCHN_PORTS level class */
    struct evtchn_fifo_vcpu *fifo;

    struct cpu_user_regs regs; /* saved while not running */
    struct pv_vcpu pv;
    struct hvm_vcpu *hvm;
    void *xsave; /* FPU image, saved when another vCPU takes the FPU */
};

#define DOMAIN_WATCHDOGS 2

enum domain_dying { DOMAIN_ALIVE = 0, DOMAIN_DYING, DOMAIN_DEAD };

struct domain {
    domid_t id;
    uint32_t refs; /* atomic; 0: free for reuse */
    struct domain *hash_next, *list_next;
    uint8_t type;    /* DOM_PV, DOM_HVM */
    bool privileged; /* Domain 0: may use every control interface */
    bool is_idle;
    uint8_t dying; /* enum domain_dying; lock */
    bool creation_finished;
    bool paused_by_tools_at_start;
    struct spinlock lock; /* LOCK_DOMAIN */
    xen_domain_handle_t handle;
    uint32_t options;           /* XEN_DOMCTL_CDF_* */
    uint32_t tools_pause_count; /* lock */
    uint32_t pause_count;       /* atomic */

    struct tasklet crash_tasklet, free_tasklet;
    uint32_t crashed; /* atomic: domain_crash() was here */
    struct {
        uint32_t in_use; /* bits; lock */
        struct timer timer[DOMAIN_WATCHDOGS];
    } watchdog;

    unsigned int max_vcpus;
    struct vcpu **vcpu; /* max_vcpus entries, each NULL until created */

    struct spinlock shutdown_lock;
    bool is_shutting_down, is_shut_down;
    uint8_t shutdown_code;

    /* Memory. mem_lock guards the lists and counts. */
    struct spinlock mem_lock;
    uint32_t frames_head; /* list of frames through frame.prev/next */
    uint32_t frames_left; /* of a dying domain: where those begin that are still to be freed */
    uint32_t tot_pages, max_pages, claimed_pages, xenheap_pages;
    uint32_t nr_mapped_foreign;
    struct spinlock pt_lock;      /* page-table types; see mm/frame.h */
    uint32_t pt_teardown;         /* teardown queue: first frame, FRAME_LINK_END: none (pt_lock) */
    uint32_t generation;          /* number of its creation, never reused (scrubbing) */
    cpumask_t dirty_cpus;         /* CPUs that may hold TLB entries of it; atomic bits */
    unsigned int relinquish_step; /* how far destruction has come */

    struct shared_info *shared_info;
    struct evtchn_domain evtchn;
    struct grant_table *grant_table;
    struct domain_pirqs *pirqs; /* x86/irq.c */
    struct spinlock irq_lock;
    uint32_t nr_pirqs;

    struct rangeset iomem_caps;  /* MFNs of device memory it may map */
    struct rangeset ioport_caps; /* I/O ports it may use */
    struct rangeset irq_caps;    /* pirqs it may bind */

    int64_t time_offset_seconds; /* wallclock */
    bool vtsc_disabled;
    uint32_t tsc_mode, tsc_incarnation; /* as the tools said */
    uint64_t vm_assist;                 /* VMASST_TYPE_* bits */
    struct xen_domctl_scheduler_op *unused_sched;
    struct sched_domain sched;
    struct pv_domain pv;
    struct hvm_domain *hvm;
    struct cpu_policy *policy; /* CPUID and MSRs that it sees */
    uint32_t suspend_evtchn;
    uint32_t target; /* XEN_DOMCTL_set_target: the generation of a domain, 0: none */
    bool controlled; /* some domain's target, now or once: CPUs of others may know its frames */
};
/* domain.shutdown_code as long as there is none */
#define SHUTDOWN_CODE_NONE 0xff
#define DOM_PV             0
#define DOM_HVM            1

extern struct domain *dom0;
extern struct domain *dom_xen;     /* DOMID_XEN: owner of shared hypervisor frames (M2P) */
extern struct domain *dom_io;      /* DOMID_IO: device memory */
extern struct domain *domain_list; /* ascending ids; walk with domain_next() */

/*
 * The domain with this id, with a reference, or NULL. Neither DOMID_SELF nor a special domain is found:
 * who means those names them (dom_xen, dom_io).
 * domain_put() undoes it. Any context.
 */
struct domain *domain_get_by_id(domid_t id);
/* The domain that a guest names: id or DOMID_SELF of current. Never a special one (DOMID_XEN ...). */
struct domain *domain_get_self_or(domid_t id);
static inline void domain_get(struct domain *d)
{
    atomic_add(&d->refs, 1);
}
void domain_put(struct domain *d);
/* Walk: next domain with id >= the given, referenced; NULL at the end. */
struct domain *domain_get_from(unsigned int id);

/* vcpu_info of vCPUs 32 and up until they register their own: never shared with a guest, its
 * event mask set for good. Such a vCPU cannot be started. */
extern struct vcpu_info dummy_vcpu_info;
/*
 * VCPUOP_register_vcpu_info: from now on v's vcpu_info is at this offset of the frame (checked by
 * the caller to be aligned and within the page). Once per vCPU; v is current or down. -EINVAL:
 * done before, or not a frame of its domain.
 */
int vcpu_info_register(struct vcpu *v, mfn_t mfn, uint32_t offset);
/* Take the registered area back: vcpu_info is the dummy afterwards. v runs no more. */
void vcpu_info_unregister(struct vcpu *v);

/* Timers of a vCPU (domain/vcpu_timer.c). */
void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_kill(struct vcpu *v);
/* VIRQ_TIMER of v at system time t; 0: never. v is current. */
void vcpu_singleshot_set(struct vcpu *v, s_time_t t);
/* Period in ns, 0 stops it. v is current or does not run. */
void vcpu_periodic_set(struct vcpu *v, s_time_t period);

/* SCHEDOP_watchdog (domain/watchdog.c): id 0: a new one, which is the result; else set again, or stop
 * with timeout 0. When it runs out, d is shut down. */
int watchdog_init(struct domain *d);
void watchdog_destroy(struct domain *d);
long watchdog_set(struct domain *d, uint32_t id, uint32_t timeout_s);

/* Whether current's domain may control d: it is privileged, or d's device model (target). */
bool domain_controls(const struct domain *by, const struct domain *d);

/*
 * A new domain without vCPUs, paused by one tools pause. config is checked already (hypercalls/domctl_create.c).
 * Subsystems are initialised in order and unwound in reverse on failure. Caller: LOCK_DOMCTL.
 */
/* Boot CPU, after the heap is there: DOMID_XEN and DOMID_IO. */
void domains_init(void);
/* XSAVE area of a vCPU, bytes; defined in x86/. */
extern uint32_t xsave_size;

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
                  struct domain **out);
int vcpu_create(struct domain *d, unsigned int id);
/* The idle vCPU of a CPU, of the idle domain; by sched_init_cpu(). */
int idle_vcpu_create(unsigned int cpu, struct vcpu **out);
/* Kill: -ERESTART while work remains; afterwards the domain is gone once references go. */
int domain_kill(struct domain *d);
/* Shut down with a reason (SHUTDOWN_*); Dom0's acts on the host. */
void domain_shutdown(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
/* The guest did something that cannot be answered: log (once), dump registers, stop it alone.
 * Any context; never for the idle domain. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);

#define for_each_vcpu(d, v)                                       \
    for (unsigned int i_##v = 0; i_##v < (d)->max_vcpus; i_##v++) \
        if (((v) = (d)->vcpu[i_##v]) != NULL)

#endif
