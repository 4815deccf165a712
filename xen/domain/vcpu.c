/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making vCPUs, and where their vcpu_info lies. */
#include "domain/domain.h"
#include "domain/internal.h"
#include "lib/lib.h"
#include "mm/frame.h"
#include "x86/cpu.h"

struct vcpu_info dummy_vcpu_info = {.evtchn_upcall_mask = 1};

static struct vcpu *vcpu_alloc(struct domain *d, unsigned int id)
{
    struct vcpu *v = hv_alloc_aligned(sizeof(*v), 64);

    if (!v)
        return NULL;
    memset(v, 0, sizeof(*v));
    v->id = id;
    v->domain = d;
    v->vcpu_info = &dummy_vcpu_info;
    v->pause_flags = VPF_DOWN;
    v->poll_port = 0;
    spin_lock_init(&v->virq_lock, LOCK_EVTCHN_PORTS);
    vcpu_timers_init(v);
    return v;
}

/* The n-th CPU that is online, counting round and round. */
static unsigned int nth_cpu(unsigned int n)
{
    unsigned int cpu, nr = cpumask_weight(cpu_online_map);

    if (nr) {
        n %= nr;
        cpumask_for_each(cpu, cpu_online_map) if (n-- == 0) return cpu;
    }
    return 0;
}

int vcpu_create(struct domain *d, unsigned int id)
{
    struct vcpu *v;
    int rc = -ENOMEM;

    if (id >= d->max_vcpus)
        return -EINVAL;
    if (d->vcpu[id])
        return -EEXIST;
    v = vcpu_alloc(d, id);
    if (!v)
        return -ENOMEM;
    if (id < XEN_LEGACY_MAX_VCPUS)
        v->vcpu_info = &d->shared_info->vcpu_info[id];
    v->xsave = hv_alloc_aligned(xsave_size, 64);
    if (!v->xsave)
        goto free_vcpu;
    memset(v->xsave, 0, xsave_size);
    rc = sched_init_vcpu(v, nth_cpu(d->id + id));
    if (rc)
        goto free_xsave;
    rc = pv_vcpu_init(v);
    if (rc)
        goto unschedule;
    atomic_store(&d->vcpu[id], v);
    return 0;

unschedule:
    sched_destroy_vcpu(v);
free_xsave:
    hv_free(v->xsave);
free_vcpu:
    vcpu_timers_kill(v);
    hv_free(v);
    return rc;
}

void vcpus_destroy(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
    {
        vcpu_timers_kill(v);
        pv_vcpu_destroy(v);
        sched_destroy_vcpu(v);
        hv_free(v->xsave);
        hv_free(v->fifo);
        d->vcpu[v->id] = NULL;
        hv_free(v);
    }
}

int idle_vcpu_create(unsigned int cpu, struct vcpu **out)
{
    static struct vcpu *vcpus[MAX_CPUS];
    static struct domain *idle;
    struct vcpu *v;

    if (!idle) {
        idle = domain_struct_alloc(DOMID_IDLE);
        if (!idle)
            return -ENOMEM;
        domain_init_common(idle);
        idle->is_idle = true;
        idle->refs = 1;
        idle->vcpu = vcpus;
        idle->max_vcpus = MAX_CPUS;
        sched_init_domain(idle);
    }
    v = vcpu_alloc(idle, cpu);
    if (!v)
        return -ENOMEM;
    v->pause_flags = 0;
    sched_init_vcpu(v, cpu);
    idle->vcpu[cpu] = v;
    *out = v;
    return 0;
}

int vcpu_info_register(struct vcpu *v, mfn_t mfn, uint32_t offset)
{
    struct domain *d = v->domain;
    struct vcpu_info *vi, *old = v->vcpu_info;
    struct frame *f;

    if (v->vcpu_info_frame || !mfn_valid(mfn))
        return -EINVAL;
    f = mfn_to_frame(mfn_make(index_nospec(mfn_x(mfn), max_mfn)));
    if (!frame_get_writable(f, d))
        return -EINVAL;
    vi = (struct vcpu_info *)((char *)frame_to_virt(f) + offset);
    if (old == &dummy_vcpu_info) {
        memset(vi, 0, sizeof(*vi));
        vi->evtchn_upcall_mask = 1;
    } else {
        memcpy(vi, old, sizeof(*vi));
    }
    v->vcpu_info_frame = f;
    atomic_store(&v->vcpu_info, vi);
    /* A sender that still saw the old place may set its bits there after the copy. */
    evtchn_vcpu_info_moved(v);
    return 0;
}

void vcpu_info_unregister(struct vcpu *v)
{
    struct frame *f = v->vcpu_info_frame;

    atomic_store(&v->vcpu_info, &dummy_vcpu_info);
    if (!f)
        return;
    v->vcpu_info_frame = NULL;
    frame_put_writable(f);
}
