/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making domains: the list of subsystems that each domain has a part of, and special domains. */
#include "domain/domain.h"
#include "domain/grant_table.h"
#include "domain/internal.h"
#include "lib/lib.h"
#include "mm/alloc.h"
#include "x86/cpuid_policy.h"
#include "x86/irq.h"
#include "x86/time.h"

/* How many ranges each kind of permission of a domain may have. */
#define MAX_RANGES 256

void domain_init_common(struct domain *d)
{
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    spin_lock_init(&d->shutdown_lock, LOCK_SHUTDOWN);
    spin_lock_init(&d->mem_lock, LOCK_MEM);
    spin_lock_init(&d->pt_lock, LOCK_PT);
    spin_lock_init(&d->irq_lock, LOCK_IRQ_MAP);
    rangeset_init(&d->iomem_caps, MAX_RANGES);
    rangeset_init(&d->ioport_caps, MAX_RANGES);
    rangeset_init(&d->irq_caps, MAX_RANGES);
    tasklet_init(&d->crash_tasklet, domain_crash_shutdown, d);
    tasklet_init(&d->free_tasklet, domain_free, d);
    d->frames_head = d->frames_left = FRAME_LINK_END;
    d->pt_teardown = FRAME_LINK_END;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
}

/* ---- subsystems: created in this order, destroyed in reverse ------------------------------------ */

static int ranges_create(struct domain *d __unused,
                         const struct xen_domctl_createdomain *c __unused)
{
    return 0; /* domain_init_common() did it */
}

static void ranges_destroy(struct domain *d)
{
    rangeset_destroy(&d->iomem_caps);
    rangeset_destroy(&d->ioport_caps);
    rangeset_destroy(&d->irq_caps);
}

static int vcpu_array_create(struct domain *d, const struct xen_domctl_createdomain *c)
{
    d->vcpu = hv_zalloc(c->max_vcpus * sizeof(*d->vcpu));
    if (!d->vcpu)
        return -ENOMEM;
    d->max_vcpus = c->max_vcpus;
    return 0;
}

static void vcpu_array_destroy(struct domain *d)
{
    hv_free(d->vcpu);
    d->vcpu = NULL;
    d->max_vcpus = 0;
}

static int shared_info_create(struct domain *d, const struct xen_domctl_createdomain *c __unused)
{
    d->shared_info = page_zalloc();
    if (!d->shared_info)
        return -ENOMEM;
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    frame_share(mfn_to_frame(virt_to_mfn(d->shared_info)), d, true);
    return 0;
}

static void shared_info_destroy(struct domain *d)
{
    if (d->shared_info)
        frame_unshare(mfn_to_frame(virt_to_mfn(d->shared_info)), d);
    d->shared_info = NULL;
}

static int sched_create(struct domain *d, const struct xen_domctl_createdomain *c)
{
    d->sched.pool = c->cpupool_id;
    return sched_init_domain(d);
}

static int watchdog_create(struct domain *d, const struct xen_domctl_createdomain *c __unused)
{
    return watchdog_init(d);
}

static int evtchn_create(struct domain *d, const struct xen_domctl_createdomain *c)
{
    return evtchn_init(d, c->max_evtchn_port);
}

static int grant_create(struct domain *d, const struct xen_domctl_createdomain *c)
{
    return grant_table_init(d, c->max_grant_frames, c->max_maptrack_frames,
                            XEN_DOMCTL_GRANT_version(c->grant_opts));
}

static int pirq_create(struct domain *d, const struct xen_domctl_createdomain *c __unused)
{
    return pirq_init_domain(d);
}

static int policy_create(struct domain *d, const struct xen_domctl_createdomain *c __unused)
{
    return cpu_policy_init_domain(d);
}

static int pv_create(struct domain *d, const struct xen_domctl_createdomain *c __unused)
{
    return pv_domain_init(d);
}

static const struct subsystem {
    const char *name;
    int (*create)(struct domain *d, const struct xen_domctl_createdomain *c);
    void (*destroy)(struct domain *d);
} subsystems[] = {
    {"permissions", ranges_create, ranges_destroy},
    {"vCPUs", vcpu_array_create, vcpu_array_destroy},
    {"shared info", shared_info_create, shared_info_destroy},
    {"scheduler", sched_create, sched_destroy_domain},
    {"watchdogs", watchdog_create, watchdog_destroy},
    {"event channels", evtchn_create, evtchn_free},
    {"grant table", grant_create, grant_table_free},
    {"interrupts", pirq_create, pirq_destroy_domain},
    {"CPU policy", policy_create, cpu_policy_destroy_domain},
    {"PV", pv_create, pv_domain_destroy},
};

static void destroy_subsystems(struct domain *d, size_t n)
{
    while (n-- > 0)
        subsystems[n].destroy(d);
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, bool privileged,
                  struct domain **out)
{
    struct domain *d;
    size_t i;
    int rc = domain_id_reserve(id);

    if (rc)
        return rc;
    d = domain_struct_alloc(id);
    if (!d)
        return -ENOMEM;
    domain_init_common(d);
    d->type = config->flags & XEN_DOMCTL_CDF_hvm ? DOM_HVM : DOM_PV;
    d->privileged = privileged;
    d->options = config->flags;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    d->tools_pause_count = 1;
    d->pause_count = 1;
    for (i = 0; i < ARRAY_SIZE(subsystems); i++) {
        rc = subsystems[i].create(d, config);
        if (rc) {
            printk(LOG_G_WARN "d%u: no %s (%d)\n", id, subsystems[i].name, rc);
            destroy_subsystems(d, i);
            domain_struct_free(d);
            return rc;
        }
    }
    wallclock_update(d);
    d->creation_finished = true;
    domain_list_insert(d);
    *out = d;
    return 0;
}

/* All references are gone: nobody can find it, and no frame of it is left. */
void domain_free(void *domain)
{
    struct domain *d = domain;

    domain_list_remove(d);
    vcpus_destroy(d);
    destroy_subsystems(d, ARRAY_SIZE(subsystems));
    domain_struct_free(d);
    /* The tools forget a domain when it is gone, not only when it died. */
    send_global_virq(VIRQ_DOM_EXC);
}

static struct domain *special_create(domid_t id)
{
    struct domain *d = domain_id_reserve(id) ? NULL : domain_struct_alloc(id);

    if (!d)
        panic("No memory for the special domain %#x", id);
    domain_init_common(d);
    domain_list_insert(d);
    return d;
}

void domains_init(void)
{
    dom_xen = special_create(DOMID_XEN);
    dom_io = special_create(DOMID_IO);
    rangeset_add(&dom_io->iomem_caps, 0, ~0ull);
}
